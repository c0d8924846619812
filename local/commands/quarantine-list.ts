import { parseArgs } from 'node:util';
import { formatInstant, parseInstant } from '../../shared/domain/time/instant.ts';
import { zstdBlockCodec } from '../../shared/adapters/node/block-codec.ts';
import { quarantinedIn } from '../../shared/pipeline/quarantine.ts';
import { printable } from '../feeds/printable.ts';
import { withActivityLog } from '../stores.ts';
import { type Command, UsageError, write } from './command.ts';
import { nameOfMessage } from './quarantine-name.ts';

export const command: Command = {
  name: 'quarantine list',
  summary: 'messages that were refused, with the reason',
  usage: `quarantine list [--data DIR] [--device ID] [--since TIME] [--json]

Lists the security messages that could not be decoded. Their bytes are kept in the activity log; "quarantine show NAME"
prints them. Reads a running Threadwatch, or its data while it is stopped.

  --data DIR    where the data is (default: .threadwatch)
  --device ID   of this device only
  --since TIME  enqueued at or after this ISO 8601 time
  --json        one JSON object a line`,

  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        data: { type: 'string', default: '.threadwatch' },
        device: { type: 'string' },
        since: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    });
    const since = values.since === undefined ? -Infinity : parseInstant(values.since);
    if (since === null) {
      throw new UsageError(`--since must be an ISO 8601 time, not "${values.since}"`);
    }
    return withActivityLog(values.data, io, async (log) => {
      let count = 0;
      for (const partition of await log.partitions()) {
        for await (const message of quarantinedIn(log, partition, zstdBlockCodec)) {
          if (message.hubTime < since) continue;
          if (values.device !== undefined && message.deviceId !== values.device) continue;
          count++;
          const name = nameOfMessage(message);
          const time = formatInstant(message.hubTime);
          const { deviceId, moduleId, reason, raw } = message;
          const record = {
            record: 'quarantined',
            name,
            time,
            deviceId,
            moduleId,
            reason,
            bytes: raw.length,
          };
          const text = `${time}  ${deviceId.padEnd(16)}  ${reason.padEnd(12)}  ${raw.length} bytes  ${name}`;
          await write(
            io.stdout,
            values.json ? `${JSON.stringify(record)}\n` : `${printable(text)}\n`,
          );
        }
      }
      if (!values.json) await write(io.stdout, `${count} quarantined messages\n`);
      return 0;
    });
  },
};
