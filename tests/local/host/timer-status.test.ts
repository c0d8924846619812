import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseSchedule } from '../../../local/host/ncrontab.ts';
import { readStatus, resume, statusJson, writeStatus } from '../../../local/host/timer-status.ts';

const at = (text: string) => Date.parse(`2026-03-07T${text}Z`);
const hourly = parseSchedule('0 0 * * * *');
const ranAt = (time: string) => ({
  last: at(time),
  next: hourly.next(at(time)),
  lastUpdated: at(time),
});

describe('a timer that starts', () => {
  it('for the first time has missed nothing', () => {
    assert.deepEqual(resume(null, hourly, at('10:30:00')), {
      status: { last: null, next: at('11:00:00'), lastUpdated: null },
      isPastDue: false,
    });
  });

  it('before its next occurrence has missed nothing', () => {
    const found = ranAt('10:00:00.002');
    assert.deepEqual(resume(found, hourly, at('10:30:00')), { status: found, isPastDue: false });
  });

  it('after its next occurrence is past due', () => {
    const found = ranAt('10:00:00.002');
    assert.deepEqual(resume(found, hourly, at('11:00:01')), { status: found, isPastDue: true });
  });

  it('with another schedule starts afresh, past due for neither', () => {
    const found = ranAt('10:00:00');
    const everyTen = parseSchedule('0 */10 * * * *');
    assert.deepEqual(resume(found, everyTen, at('10:05:00')), {
      status: { last: null, next: at('10:10:00'), lastUpdated: at('10:00:00') },
      isPastDue: false,
    });
    assert.deepEqual(resume(found, everyTen, at('12:05:00')), {
      status: { last: null, next: at('12:10:00'), lastUpdated: at('12:05:00') },
      isPastDue: false,
    });
  });

  it('counts from its last update when it has never run', () => {
    const found = { last: null, next: at('11:00:00'), lastUpdated: at('10:30:00') };
    assert.equal(resume(found, hourly, at('11:00:01')).isPastDue, true);
  });
});

describe('a status file', () => {
  it('is read back as it was written', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'timer-status-'));
    const path = join(directory, 'timers', 'hourly.json');
    assert.equal(await readStatus(path), null);
    for (const status of [
      { last: null, next: at('11:00:00'), lastUpdated: null },
      ranAt('10:00:00.120'),
    ]) {
      await writeStatus(path, status);
      assert.deepEqual(await readStatus(path), status);
    }
    await writeFile(path, '{"Last":"yesterday"}');
    await assert.rejects(readStatus(path), /Last/);
    await rm(directory, { recursive: true });
  });

  it('has the words and times of the .NET host', () => {
    assert.deepEqual(statusJson({ last: null, next: at('11:00:00.500'), lastUpdated: null }), {
      Last: '0001-01-01T00:00:00+00:00',
      Next: '2026-03-07T11:00:00.5+00:00',
      LastUpdated: '0001-01-01T00:00:00+00:00',
    });
  });
});
