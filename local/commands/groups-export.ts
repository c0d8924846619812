import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { groupKey } from '../../shared/domain/security-group/security-group.ts';
import { groupFile } from '../../shared/format/security-group/group-file.ts';
import { API_OPTIONS, API_USAGE, openApi } from '../api-client.ts';
import { printable } from '../feeds/printable.ts';
import { presentGroups } from '../groups/present-groups.ts';
import { type Command, UsageError, write } from './command.ts';

export const command: Command = {
  name: 'groups export',
  summary: 'the security groups as files',
  usage: `groups export [DIR] [--url URL] [--key KEY] [--data DIR] [--json]

Writes one file a security group into DIR, which is made if it is not there; other files in it stay. Without DIR, or with -, prints all of them
as one list. Either is what "groups apply" takes. Only rules that were set are written.

${API_USAGE}
  --json       one JSON object a file; the list on one line`,

  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...API_OPTIONS, json: { type: 'boolean', default: false } },
    });
    const [directory = '-', ...more] = positionals;
    if (more.length > 0) throw new UsageError(`one DIR was expected, found ${positionals.length}`);
    const groups = (await presentGroups(openApi(values, io))).map(({ group }) => group);
    if (directory === '-') {
      const list = { value: groups.map(groupFile) };
      await write(io.stdout, `${JSON.stringify(list, null, values.json ? 0 : 2)}\n`);
      return 0;
    }
    await mkdir(resolve(io.cwd, directory), { recursive: true });
    for (const group of groups) {
      const file = join(directory, fileNameOf(group.name));
      await writeFile(resolve(io.cwd, file), `${JSON.stringify(groupFile(group), null, 2)}\n`);
      const record = { record: 'file', group: group.name, file };
      await write(io.stdout, values.json ? `${JSON.stringify(record)}\n` : `${printable(file)}\n`);
    }
    return 0;
  },
};

const MAX_FILE_NAME = 120;

/** The same for any spelling, and for any name one that every file system takes. */
function fileNameOf(name: string): string {
  const key = groupKey(name);
  const plain = key.replace(/[^\w.-]|^\./g, '_').slice(0, MAX_FILE_NAME);
  if (plain === key) return `${key}.json`;
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 8);
  return `${plain}-${hash}.json`;
}
