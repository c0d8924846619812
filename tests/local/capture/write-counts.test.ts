import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { writeCounts } from '../../../local/capture/write-counts.ts';
import { formatInstant } from '../../../shared/domain/time/instant.ts';
import { groupOf, timeWindowRule } from '../../domain/security-group/groups.ts';
import { MINUTE, START } from '../../pipeline/log/logs.ts';
import { PartitionsWorld, on } from '../../pipeline/windows/partitions-world.ts';

describe('the counts of a replay', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'threadwatch-test-'));
  });
  after(() => rm(directory, { recursive: true }));

  it('are of every device, window and size, with the group that the device had then', async () => {
    const world = new PartitionsWorld('0', '1');
    const ten = { timeWindowSize: 'PT10M', windowMs: 10 * MINUTE };
    await world.world.declare(groupOf('default', timeWindowRule(ten)));
    await world.commit(
      '0',
      on(6, { deviceId: 'a,"b"', securityGroup: 'pumps', peers: [0, 0] }),
      on(16, { deviceId: 'a,"b"', securityGroup: 'valves', peers: [0, 1] }),
      on(17, { deviceId: 'a,"b"', securityGroup: 'valves', peers: [1] }),
    );
    await world.commit('1', on(0, { deviceId: 'c', peers: [2] }), on(30, { deviceId: 'c' }));
    world.world.passEndOf(START + 20 * MINUTE);
    await world.run();
    const path = join(directory, 'counts.csv');
    const span = { start: START, end: START + 20 * MINUTE };
    const devices = new Map([
      ['c', 'default'],
      ['a,"b"', 'valves'],
      ['never', 'pumps'],
    ]);
    await writeCounts(path, world.world.services, span, devices);
    const time = (minute: number) => formatInstant(START + minute * MINUTE);
    const line = (device: string, group: string, minute: number, size: number, counts: string) =>
      `${device},${group},${size * 60},${time(minute)},${time(minute + size)},${counts}`;
    const a = '"a,""b"""';
    assert.deepEqual((await readFile(path, 'utf8')).split('\n'), [
      'deviceId,securityGroup,windowSeconds,windowStart,windowEnd,messages,distinctConnections',
      line(a, 'pumps', 0, 5, '0,0'),
      line(a, 'pumps', 5, 5, '1,1'),
      line(a, 'pumps', 10, 5, '0,0'),
      line(a, 'valves', 15, 5, '2,2'),
      line('c', 'default', 0, 5, '1,1'),
      ...[5, 10, 15].map((minute) => line('c', 'default', minute, 5, '0,0')),
      ...[0, 5, 10, 15].map((minute) => line('never', 'pumps', minute, 5, '0,0')),
      line(a, 'pumps', 0, 10, '1,1'),
      line(a, 'valves', 10, 10, '2,2'),
      line('c', 'default', 0, 10, '1,1'),
      line('c', 'default', 10, 10, '0,0'),
      ...[0, 10].map((minute) => line('never', 'pumps', minute, 10, '0,0')),
      '',
    ]);
  });
});
