import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { MAX_BODY_BYTES } from '../../shared/format/device-message/body-reader.ts';
import { decodeMessage } from '../../shared/format/device-message/decode-message.ts';
import { type Command, type CommandIo, UsageError, write } from './command.ts';

export const command: Command = {
  name: 'decode',
  summary: 'print security messages as JSON',
  usage: `decode FILE... [--pretty] [--json]

Each FILE is the body of one security message, as the device sent it; - is stdin. Prints one JSON object a line, in the
order of the files. What is no security message prints as {"file","refused":reason}; docs/wire-format.md lists the
reasons.

  --pretty  indent the JSON
  --json    one JSON object a line (the default)

Exits with 1 if a file was refused or could not be read.`,

  async run(args, io) {
    const { values, positionals: files } = parseArgs({
      args: [...args],
      options: { pretty: { type: 'boolean' }, json: { type: 'boolean' } },
      allowPositionals: true,
    });
    if (files.length === 0) throw new UsageError('no FILE given; - reads standard input');
    if (values.pretty && values.json)
      throw new UsageError('--pretty and --json exclude each other');
    let code = 0;
    for (const file of files) {
      const body = await readBody(file, io);
      const decoded = body === null ? null : decodeMessage(body);
      if (decoded === null || 'refused' in decoded) code = 1;
      if (decoded === null) continue;
      const shown = 'refused' in decoded ? { file, refused: decoded.refused } : decoded.message;
      await write(io.stdout, toLine(shown, values.pretty ? 2 : 0));
    }
    return code;
  },
};

async function readBody(file: string, io: CommandIo): Promise<Uint8Array | null> {
  try {
    return await upToLimit(file === '-' ? io.stdin : createReadStream(resolve(io.cwd, file)));
  } catch (error) {
    io.stderr.write(`threadwatch decode: ${file}: ${(error as Error).message}\n`);
    return null;
  }
}

/** No more than it takes to see that a body is too long: FILE may be a device that never ends. */
async function upToLimit(source: Readable): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) break;
  }
  return Buffer.concat(chunks);
}

// The text is the device's. JSON escapes C0 controls only: the rest of what moves a terminal's cursor, turns the reading
// direction or looks like a line's end to some readers of NDJSON is escaped here.
const UNSAFE = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

function toLine(value: unknown, indent: number): string {
  const json = JSON.stringify(value, null, indent);
  return `${json.replace(UNSAFE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}
