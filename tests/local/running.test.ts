import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { claimFolder, findRunning, leaveFolder, noteRunning } from '../../local/running.ts';

describe('what runs on a data folder', () => {
  let directory: string;
  const platform = { httpAddress: 'http://127.0.0.1:1', settings: { A: 'b' } };
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'threadwatch-running-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('is nothing at first, and nothing in a folder that is not there', () => {
    assert.equal(findRunning(directory), null);
    assert.equal(findRunning(join(directory, 'none')), null);
  });

  it('is found as soon as the folder is claimed, then with where things are, until it is left', () => {
    const data = join(directory, 'new', 'data');
    claimFolder(data);
    assert.deepEqual(findRunning(data), { pid: process.pid, platform: null });
    noteRunning(data, platform);
    assert.deepEqual(findRunning(data), { pid: process.pid, platform });
    leaveFolder(data);
    assert.equal(findRunning(data), null);
    leaveFolder(data);
  });

  it('keeps the folder from a second one, and says who has it', () => {
    claimFolder(directory);
    assert.throws(() => claimFolder(directory), {
      code: 'FOLDER_IN_USE',
      message: new RegExp(`process ${process.pid}, starting`),
    });
    noteRunning(directory, platform);
    assert.throws(() => claimFolder(directory), /http:\/\/127\.0\.0\.1:1/);
  });

  it('gives the folder of one that has died to the next', () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    writeFileSync(join(directory, 'running.json'), JSON.stringify({ pid, platform }));
    assert.equal(findRunning(directory), null);
    claimFolder(directory);
    assert.equal(findRunning(directory)?.pid, process.pid);
  });

  it('is for the eyes of its owner', () => {
    noteRunning(directory, platform);
    assert.equal(statSync(join(directory, 'running.json')).mode & 0o777, 0o600);
  });

  it('is nothing where the note was cut', () => {
    writeFileSync(join(directory, 'running.json'), '{"pid":');
    assert.equal(findRunning(directory), null);
    claimFolder(directory);
  });
});
