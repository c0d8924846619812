import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { formatInstant } from '../../shared/domain/time/instant.ts';
import { zstdBlockCodec } from '../../shared/adapters/node/block-codec.ts';
import { type QuarantinedMessage, quarantinedIn } from '../../shared/pipeline/quarantine.ts';
import { printable } from '../feeds/printable.ts';
import { withActivityLog } from '../stores.ts';
import { type Command, UsageError, write } from './command.ts';
import { nameOfMessage, parseMessageName } from './quarantine-name.ts';

export const command: Command = {
  name: 'quarantine show',
  summary: 'the bytes of a refused message',
  usage: `quarantine show NAME [--data DIR] [-o FILE] [--json]

Prints the bytes of one quarantined message and why it was refused. NAME is what "quarantine list" prints.

  --data DIR         where the data is (default: .threadwatch)
  -o, --output FILE  write the bytes to FILE as they came, instead of printing them
  --json             one JSON object, the bytes in base64`,

  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        data: { type: 'string', default: '.threadwatch' },
        output: { type: 'string', short: 'o' },
        json: { type: 'boolean', default: false },
      },
    });
    const [name, ...more] = positionals;
    if (name === undefined || more.length > 0) {
      throw new UsageError(`one NAME was expected, found ${positionals.length}`);
    }
    const place = parseMessageName(name);
    if (place === null) {
      throw new UsageError(`"${name}" is no name of a message: stream/partition/epoch/sequence`);
    }
    return withActivityLog(values.data, io, async (log) => {
      for await (const message of quarantinedIn(log, place, zstdBlockCodec)) {
        if (message.epoch !== place.epoch || message.sequence !== place.sequence) continue;
        if (values.output !== undefined) {
          await writeFile(resolve(io.cwd, values.output), message.raw);
        }
        await write(io.stdout, values.json ? asJson(message) : asText(message, values.output));
        return 0;
      }
      io.stderr.write(`threadwatch quarantine show: no quarantined message is called ${name}\n`);
      return 1;
    });
  },
};

function asJson(message: QuarantinedMessage): string {
  const { deviceId, moduleId, reason, raw } = message;
  const record = {
    record: 'quarantined',
    name: nameOfMessage(message),
    time: formatInstant(message.hubTime),
    deviceId,
    moduleId,
    reason,
    bytes: raw.length,
    body: Buffer.from(raw).toString('base64'),
  };
  return `${JSON.stringify(record)}\n`;
}

function asText(message: QuarantinedMessage, output: string | undefined): string {
  const { deviceId, moduleId, reason, raw, hubTime } = message;
  const from = moduleId === null ? deviceId : `${deviceId}, module ${moduleId}`;
  const head = printable(`${formatInstant(hubTime)}  ${from}  ${reason}  ${raw.length} bytes`);
  return `${head}\n${output === undefined ? hexDump(raw) : `written to ${printable(output)}\n`}`;
}

/** Offset, sixteen bytes, and the same as text where it is printable. */
function hexDump(bytes: Uint8Array): string {
  let text = '';
  for (let from = 0; from < bytes.length; from += 16) {
    const line = bytes.subarray(from, from + 16);
    const hex = Array.from(line, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const ascii = Array.from(line, (byte) =>
      byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.',
    );
    text += `${from.toString(16).padStart(6, '0')}  ${hex.padEnd(47)}  ${ascii.join('')}\n`;
  }
  return text;
}
