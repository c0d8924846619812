// Security groups in files: one group, a list, or `{"value": [...]}` as ARM's list gives it. What was exported from Defender is taken as it is.
import { readFile, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { type SecurityGroup, groupKey } from '../../shared/domain/security-group/security-group.ts';
import { GROUP_TYPE } from '../../shared/format/security-group/group-resource.ts';
import { readGroup } from '../../shared/format/security-group/read-group.ts';
import type { CommandIo } from '../commands/command.ts';
import { printable } from '../feeds/printable.ts';

export interface GroupFiles {
  /** In order of key. */
  readonly groups: readonly SecurityGroup[];
  /** A file that says that there is more than it holds. */
  readonly cutFile: string | null;
}

/** `path` is a file, a folder of `*.json`, or `-`. Throws with everything that is wrong with any of them. */
export async function readGroupFiles(
  path: string,
  { cwd, stdin }: Pick<CommandIo, 'cwd' | 'stdin'>,
): Promise<GroupFiles> {
  if (path === '-') return groupsOf([['stdin', await text(stdin)]]);
  const full = resolve(cwd, path);
  if (!(await stat(full)).isDirectory()) return groupsOf([[path, await readFile(full, 'utf8')]]);
  const names = (await readdir(full)).filter((name) => name.endsWith('.json')).sort();
  // Not a folder of no groups: with --prune that would remove them all.
  if (names.length === 0) throw new Error(`${path} has no *.json`);
  return groupsOf(
    await Promise.all(
      names.map(
        async (name) => [join(path, name), await readFile(join(full, name), 'utf8')] as const,
      ),
    ),
  );
}

function groupsOf(files: readonly (readonly [name: string, content: string])[]): GroupFiles {
  const found = new Map<string, { readonly group: SecurityGroup; readonly file: string }>();
  const problems: string[] = [];
  let cutFile: string | null = null;
  for (const [file, content] of files) {
    const { resources, isCut } = resourcesOf(file, content);
    if (isCut) cutFile ??= file;
    for (const [i, resource] of resources.entries()) {
      const name = nameOf(resource);
      const place = `${file}: ${name === '' ? `group ${i + 1}` : name}`;
      if (typeof resource === 'object' && resource !== null && !hasRules(resource)) {
        problems.push(
          `${place}: properties: is not there, and to apply the file would take all rules away; for a group without rules write "properties": {}`,
        );
      }
      const read = readGroup(name, resource);
      if (read.problems !== null) {
        problems.push(...read.problems.map((one) => `${place}: ${one.path}: ${one.message}`));
        continue;
      }
      const key = groupKey(name);
      const other = found.get(key);
      if (other !== undefined) problems.push(`${place} stands in ${other.file} already`);
      found.set(key, { group: read.group, file });
    }
  }
  if (problems.length > 0) throw new Error(problems.map(printable).join('\n'));
  const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  return { groups: sorted.map(([, { group }]) => group), cutFile };
}

function resourcesOf(file: string, content: string): { resources: unknown[]; isCut: boolean } {
  let value: unknown;
  try {
    // Windows puts a mark before the text.
    value = JSON.parse(content.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new Error(`${file} is not JSON`, { cause: error });
  }
  if (Array.isArray(value)) return { resources: value, isCut: false };
  if (typeof value === 'object' && value !== null) {
    if ('value' in value && Array.isArray(value.value)) {
      return { resources: value.value, isCut: 'nextLink' in value && Boolean(value.nextLink) };
    }
    if (hasRules(value)) return { resources: [value], isCut: false };
  }
  throw new Error(`${file}: a security group was expected, or a list of them`);
}

function hasRules(resource: object): boolean {
  return Object.keys(resource).some((name) => name === 'properties' || /rule/i.test(name));
}

/** The name, else the end of the id. */
function nameOf(resource: unknown): string {
  const { name, id } = Object(resource) as { name?: unknown; id?: unknown };
  if (typeof name === 'string') return name;
  const parts = typeof id === 'string' ? id.split(`/${GROUP_TYPE}/`) : [];
  return parts.length === 2 ? parts[1]! : '';
}
