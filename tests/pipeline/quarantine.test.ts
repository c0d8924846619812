import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { zstdBlockCodec as codec } from '../../shared/adapters/node/block-codec.ts';
import { QUARANTINED } from '../../shared/format/activity-log/rows.ts';
import { type QuarantinedMessage, quarantinedIn } from '../../shared/pipeline/quarantine.ts';
import { testRow } from '../format/activity-log/blocks.ts';
import { LogWriter, PARTITION, START } from './log/logs.ts';

const bad = (reason: string, raw: readonly number[], hubTime = START) =>
  testRow({
    kind: QUARANTINED,
    hubTime,
    deviceTimeSeconds: 0,
    device: { deviceId: `of-${reason}`, moduleId: 'agent', securityGroup: 'default' },
    refused: { reason, raw },
  });

describe('the quarantined messages of a partition', () => {
  it('come in log order over files and epochs, with where they stand and their bytes', async () => {
    const writer = new LogWriter();
    await writer.create();
    await writer.append([
      testRow(),
      bad('truncated', [1, 2], START + 5),
      testRow(),
      bad('empty', []),
    ]);
    await writer.append([testRow()]);
    await writer.close('20260822T13-000000.log');
    await writer.open('20260822T13-000000.log', '20260822T13');
    writer.startEpoch(START);
    await writer.append([bad('legacyJson', [123])]);
    let unpacked = 0;
    const counting = {
      ...codec,
      decompress: (bytes: Uint8Array, max: number) => {
        unpacked++;
        return codec.decompress(bytes, max);
      },
    };
    const found: QuarantinedMessage[] = [];
    for await (const message of quarantinedIn(writer.log, PARTITION, counting)) found.push(message);
    assert.deepEqual(
      found.map(({ epoch, sequence, reason, raw }) => [epoch, sequence, reason, ...raw]),
      [
        [0, 1, 'truncated', 1, 2],
        [0, 3, 'empty'],
        [1, 0, 'legacyJson', 123],
      ],
    );
    const { stream, partition, deviceId, moduleId, hubTime } = found[0]!;
    assert.deepEqual({ stream, partition }, PARTITION);
    assert.deepEqual([deviceId, moduleId, hubTime], ['of-truncated', 'agent', START + 5]);
    assert.equal(unpacked, 2, 'a block without one stays packed');
  });

  it('are none in an empty log', async () => {
    for await (const message of quarantinedIn(new LogWriter().log, PARTITION, codec)) {
      assert.fail(message.reason);
    }
  });
});
