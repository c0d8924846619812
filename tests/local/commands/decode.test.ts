import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { UsageError } from '../../../local/commands/command.ts';
import { command } from '../../../local/commands/decode.ts';
import { encodeMessage } from '../../format/device-message/support/encode-message.ts';
import { expected, sample } from '../../format/device-message/support/corpus.ts';
import { runCommand } from './run-command.ts';

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'decode-'));
  await writeFile(join(dir, 'one.bin'), sample('dev-00-00'));
  await writeFile(join(dir, 'two.bin'), sample('ser-net-1v4'));
  await writeFile(join(dir, 'bad.bin'), sample('agent-corrupt-0'));
});
after(() => rm(dir, { recursive: true }));

const decode = (args: string[], stdin?: string | Uint8Array) =>
  runCommand(command, args, stdin === undefined ? { cwd: dir } : { cwd: dir, stdin });

describe('threadwatch decode', () => {
  it('prints each message as one line, in the order of the files', async () => {
    const ran = await decode(['two.bin', 'one.bin']);
    const messages = [expected('ser-net-1v4'), expected('dev-00-00')];
    assert.equal(ran.stdout, messages.map((message) => `${JSON.stringify(message)}\n`).join(''));
    assert.equal(ran.stderr, '');
    assert.equal(ran.code, 0);
  });

  it('prints the same with --json', async () => {
    const [plain, json] = [await decode(['one.bin']), await decode(['--json', 'one.bin'])];
    assert.equal(json.stdout, plain.stdout);
  });

  it('indents with --pretty', async () => {
    const stdout = new PassThrough();
    const io = { stdin: Readable.from([]), stdout, stderr: stdout, env: {}, cwd: dir };
    const { signal } = new AbortController();
    assert.equal(await command.run(['one.bin', '--pretty'], { ...io, signal }), 0);
    stdout.end();
    assert.equal(await text(stdout), `${JSON.stringify(expected('dev-00-00'), null, 2)}\n`);
  });

  it('prints a refused file as its name and the reason, goes on, and fails', async () => {
    const { records, code } = await decode(['./bad.bin', 'one.bin']);
    assert.deepEqual(records, [{ file: './bad.bin', refused: 'badVtable' }, expected('dev-00-00')]);
    assert.equal(code, 1);
  });

  it('names a file that cannot be read, goes on, and fails', async () => {
    const { records, stderr, code } = await decode(['none.bin', '.', 'one.bin']);
    assert.deepEqual(records, [expected('dev-00-00')]);
    assert.match(stderr, /^threadwatch decode: none\.bin: .*ENOENT/);
    assert.match(stderr, /\nthreadwatch decode: \.: .*EISDIR/);
    assert.equal(code, 1);
  });

  it('reads - from standard input', async () => {
    const ran = await decode(['-'], sample('dev-00-00'));
    assert.deepEqual(ran.records, [expected('dev-00-00')]);
    assert.equal(ran.code, 0);
    const empty = await decode(['-'], new Uint8Array());
    assert.deepEqual(empty.records, [{ file: '-', refused: 'empty' }]);
    assert.equal(empty.code, 1);
  });

  it('refuses what no hub would have taken without reading all of it', async () => {
    const { records } = await decode(['-'], new Uint8Array(1_000_000));
    assert.deepEqual(records, [{ file: '-', refused: 'tooLong' }]);
  });

  it('escapes what would move a cursor, turn the text or end a line', async () => {
    const osInfo = '\u001b[2J \u009b2J \u0085 \u2028 \u202e \u2066 é 😀';
    const event = {
      ...expected('dev-00-00').events[1]!,
      payloadType: 'SystemInformation',
    } as const;
    const message = {
      ...expected('dev-00-00'),
      events: [{ ...event, payload: { osInfo, kernelInfo: null, hwInfo: null } }],
    };
    const { stdout, records } = await decode(['-'], encodeMessage(message));
    assert.deepEqual(records, [message]);
    assert.ok(stdout.includes('\\u001b[2J \\u009b2J \\u0085 \\u2028 \\u202e \\u2066 é 😀'));
  });

  it('is misused without a file, with an unknown option, or with both forms', async () => {
    await assert.rejects(decode([]), UsageError);
    await assert.rejects(decode(['one.bin', '--json', '--pretty']), UsageError);
    await assert.rejects(decode(['one.bin', '--yaml']), { code: 'ERR_PARSE_ARGS_UNKNOWN_OPTION' });
  });
});
