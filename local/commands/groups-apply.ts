import { parseArgs } from 'node:util';
import { groupFile } from '../../shared/format/security-group/group-file.ts';
import { API_OPTIONS, API_USAGE, ApiError, type ApiClient, openApi } from '../api-client.ts';
import { printable } from '../feeds/printable.ts';
import { readGroupFiles } from '../groups/group-files.ts';
import { groupPath } from '../groups/group-path.ts';
import { type GroupStep, planGroups } from '../groups/plan-groups.ts';
import { presentGroups } from '../groups/present-groups.ts';
import { isJudged, rulesOf } from '../groups/rule-text.ts';
import { type Command, UsageError, write } from './command.ts';

export const command: Command = {
  name: 'groups apply',
  summary: 'make security groups what files say',
  usage: `groups apply FILE|DIR [--prune] [--dry-run] [--url URL] [--key KEY] [--data DIR] [--json]

FILE (- is stdin) is a security group, or a list of them, in the JSON of Microsoft.Security/deviceSecurityGroups: what was exported
from Defender, or by "groups export". DIR is a folder of such files (*.json). Shows what differs from the groups that there are,
then creates and changes those groups; applied again it changes nothing. All files are checked before anything is changed.

  --prune      also delete the groups that no file names
  --dry-run    only show what would be done
${API_USAGE}
  --json       one JSON object a step`,

  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...API_OPTIONS,
        prune: { type: 'boolean', default: false },
        'dry-run': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    const [path, ...more] = positionals;
    if (path === undefined || more.length > 0) {
      throw new UsageError(`one FILE or DIR was expected, found ${positionals.length}`);
    }
    const { groups, cutFile } = await readGroupFiles(path, io);
    if (values.prune && cutFile !== null) {
      throw new Error(
        `${cutFile} is one page of several (nextLink): --prune would delete the rest`,
      );
    }
    const api = openApi(values, io);
    const plan = planGroups(await presentGroups(api), groups, values.prune);
    await write(io.stdout, plan.map(values.json ? stepJson : stepText).join(''));
    if (!values.json && plan.length === 0) {
      await write(io.stdout, 'the security groups are as they should be\n');
    }
    if (!values['dry-run']) for (const step of plan) await take(step, api);
    return 0;
  },
};

/** Only over the group that the plan was made from. */
async function take({ name, group, etag }: GroupStep, api: ApiClient): Promise<void> {
  const condition = etag === null ? { 'if-none-match': '*' } : { 'if-match': etag };
  try {
    await (group === null
      ? api.delete(groupPath(name), condition)
      : api.put(groupPath(name), groupFile(group), condition));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const reason = error.status === 412 ? 'somebody else changed it; apply again' : error.message;
    throw new Error(printable(`${name}: ${reason}`), { cause: error });
  }
}

function notesOf({ group }: GroupStep): readonly string[] {
  return (group === null ? [] : rulesOf(group))
    .filter(({ isEnabled, ruleType }) => isEnabled && !isJudged(ruleType))
    .map(({ ruleType }) => `${ruleType} is enabled but has no source: it is stored, not judged`);
}

function stepJson(step: GroupStep): string {
  const { action, name, changes } = step;
  const record = { record: 'step', action, group: name, changes, notes: notesOf(step) };
  return `${JSON.stringify(record)}\n`;
}

function stepText(step: GroupStep): string {
  const notes = notesOf(step).map((note) => `note: ${note}`);
  const lines = [...step.changes, ...notes].map((line) => `  ${printable(line)}\n`);
  return `${printable(`${step.action} ${step.name}`)}\n${lines.join('')}`;
}
