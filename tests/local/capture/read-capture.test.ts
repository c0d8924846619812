import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type CapturedEvent, readCapture } from '../../../local/capture/read-capture.ts';
import { type CaptureLine, captureLine, captureText } from '../../support/capture.ts';

const lines = [
  captureLine(4, 'cam-1', 0, [{ remote: '192.0.2.1', bytesIn: 1 }]),
  captureLine(0, 'cam-2', 1, [], { partitionId: 31 }),
  captureLine(5, 'cam-1', 1, []),
];

async function read(file: string, stdin: string | Uint8Array = ''): Promise<CapturedEvent[]> {
  const events: CapturedEvent[] = [];
  for await (const event of readCapture(file, Readable.from([Buffer.from(stdin as string)]))) {
    events.push(event);
  }
  return events;
}
const readText = (text: string) => read('-', text);
const changed = (change: Record<string, unknown>) =>
  JSON.stringify({ ...captureLine(9, 'cam-1', 9, []), ...change });

describe('a capture', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'threadwatch-capture-'));
  });
  after(() => rm(directory, { recursive: true }));

  it('is read as events in the order of its lines', async () => {
    const events = await readText(captureText(lines));
    const numbers = events.map(
      ({ partitionId, sequenceNumber }) => `${partitionId}/${sequenceNumber}`,
    );
    assert.deepEqual(numbers, ['0/4', '31/0', '0/5']);
    const { body, ...first } = events[0]!;
    assert.ok(Buffer.from(lines[0]!.body, 'base64').equals(body));
    assert.deepEqual(first, {
      partitionId: '0',
      sequenceNumber: 4,
      enqueuedTime: '2026-08-22T11:00:00.000Z',
      time: Date.UTC(2026, 7, 22, 11),
      properties: { mti: '2.3-1-0-0' },
      systemProperties: {
        'iothub-connection-device-id': 'cam-1',
        'iothub-enqueuedtime': '2026-08-22T11:00:00.000Z',
      },
    });
  });

  it('is read from a file, plain, gzipped or by zstd, and from stdin', async () => {
    const text = Buffer.from(captureText(lines));
    const files: [string, Uint8Array][] = [
      ['plain.ndjson', text],
      ['packed.ndjson.gz', gzipSync(text)],
      ['packed.ndjson.zst', zstdCompressSync(text)],
    ];
    const expected = await read('-', text);
    for (const [name, bytes] of files) {
      await writeFile(join(directory, name), bytes);
      assert.deepEqual(await read(join(directory, name)), expected, name);
    }
  });

  it('may have blank lines, ends of line of Windows, and no end of the last', async () => {
    const text = `\n${lines.map((line) => JSON.stringify(line)).join('\r\n\r\n')}`;
    assert.equal((await readText(text)).length, 3);
    assert.deepEqual(await readText(''), []);
  });

  it('keeps the device id of the system properties where both are there', async () => {
    const systemProperties = { 'iothub-connection-device-id': 'real' };
    const [event] = await readText(changed({ systemProperties }));
    assert.equal(event!.systemProperties!['iothub-connection-device-id'], 'real');
  });

  it('may have events that no device sent', async () => {
    const { deviceId: _, ...line } = captureLine(0, '', 0, []);
    const [event] = await readText(JSON.stringify(line));
    assert.ok(!('iothub-connection-device-id' in event!.systemProperties!));
  });
});

describe('a capture that is wrong', () => {
  const cases: [string, Record<string, unknown>, RegExp][] = [
    ['a time without date', { enqueuedTime: '11:00' }, /^-:2: enqueuedTime: /],
    [
      'a time with a zone other than UTC',
      { enqueuedTime: '2026-08-22T11:00:00+02:00' },
      /^-:2: enqueuedTime: /,
    ],
    ['a number that is not whole', { sequenceNumber: 1.5 }, /^-:2: sequenceNumber: /],
    ['a negative number', { sequenceNumber: -1 }, /^-:2: sequenceNumber: /],
    ['a partition as text', { partitionId: '0' }, /^-:2: partitionId: /],
    ['a partition beyond what Event Hubs has', { partitionId: 32 }, /^-:2: partitionId: /],
    ['a body that is not base64', { body: 'äöü' }, /^-:2: body: /],
    ['no body', { body: undefined }, /^-:2: body: /],
    ['a device id that is no text', { deviceId: 7 }, /^-:2: deviceId: /],
    ['a property that is an object', { properties: { a: {} } }, /^-:2: properties\.a: /],
    ['properties as a list', { systemProperties: [] }, /^-:2: systemProperties: /],
  ];
  for (const [what, change, message] of cases) {
    it(`is refused by line and field: ${what}`, async () => {
      const text = `${JSON.stringify(lines[0])}\n${changed(change)}\n`;
      await assert.rejects(readText(text), { code: 'CAPTURE', message });
    });
  }

  it('is refused where a line is no JSON, or no object', async () => {
    for (const line of ['{"deviceId":', 'deviceId', '[]', '7', 'null']) {
      await assert.rejects(readText(`\n${line}`), { code: 'CAPTURE', message: /^-:2: / });
    }
  });

  it('is refused where numbers fall or stand still in a partition', async () => {
    for (const sequenceNumber of [5, 4, 0]) {
      const text = captureText([...lines, captureLine(sequenceNumber, 'cam-1', 2, [])]);
      await assert.rejects(readText(text), {
        code: 'CAPTURE',
        message: `-:4: sequenceNumber ${sequenceNumber} does not follow 5 in partition 0`,
      });
    }
  });

  it('gives what stood before the wrong line', async () => {
    const seen: number[] = [];
    const text = `${captureText(lines)}junk`;
    await assert.rejects(async () => {
      for await (const { sequenceNumber } of readCapture('-', Readable.from([text]))) {
        seen.push(sequenceNumber);
      }
    });
    assert.deepEqual(seen, [4, 0, 5]);
  });

  it('fails where the file is not there, is cut, or is not packed', async () => {
    await assert.rejects(read('/there/is/none.ndjson'), { code: 'ENOENT' });
    const directory = await mkdtemp(join(tmpdir(), 'threadwatch-capture-'));
    const text = Buffer.from(captureText(Array<CaptureLine>(50).fill(lines[0]!)));
    const packed: [string, Uint8Array][] = [
      ['cut.gz', gzipSync(text).subarray(0, -20)],
      ['cut.zst', zstdCompressSync(text).subarray(0, -20)],
      ['plain.gz', text],
      ['plain.zst', text],
    ];
    for (const [name, bytes] of packed) {
      await writeFile(join(directory, name), bytes);
      await assert.rejects(read(join(directory, name)), name);
    }
    await rm(directory, { recursive: true });
  });
});
