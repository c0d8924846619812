import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { ProgressLine } from '../../../local/console/progress-line.ts';

describe('the progress line', () => {
  it('is written over on a terminal, and cleared once', () => {
    const terminal = Object.assign(new PassThrough(), { isTTY: true });
    const progress = new ProgressLine(terminal);
    progress.clear();
    progress.show('one');
    progress.show('two');
    progress.clear();
    progress.clear();
    assert.equal(String(terminal.read()), '\r\u001b[Kone\r\u001b[Ktwo\r\u001b[K');
  });

  it('says nothing into a file or a pipe', () => {
    const pipe = new PassThrough();
    const progress = new ProgressLine(pipe);
    progress.show('one');
    progress.clear();
    assert.equal(pipe.read(), null);
  });
});
