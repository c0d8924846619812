import { parseArgs } from 'node:util';
import type { GroupResource } from '../../shared/format/security-group/group-resource.ts';
import { API_OPTIONS, API_USAGE, openApi } from '../api-client.ts';
import { table } from '../console/table.ts';
import { presentResources, understood } from '../groups/present-groups.ts';
import { rulesOf, settingText, sourceText, stateText } from '../groups/rule-text.ts';
import { type Command, write } from './command.ts';

export const command: Command = {
  name: 'groups list',
  summary: 'the security groups and the rules that are set in them',
  usage: `groups list [--url URL] [--key KEY] [--data DIR] [--json]

Lists the rules that are set in each security group, with what their figures come from. A rule without a source is stored and
never judged.

${API_USAGE}
  --json       one JSON object a group, with all its rules, as the API gives it`,

  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: { ...API_OPTIONS, json: { type: 'boolean', default: false } },
    });
    const resources = await presentResources(openApi(values, io));
    await write(io.stdout, values.json ? resources.map(asJson).join('') : asText(resources));
    return 0;
  },
};

function asJson(resource: GroupResource): string {
  return `${JSON.stringify({ record: 'group', ...resource })}\n`;
}

function asText(resources: readonly GroupResource[]): string {
  if (resources.length === 0) return 'there are no security groups\n';
  const rows = resources.flatMap((resource) => {
    const rules = rulesOf(understood(resource));
    if (rules.length === 0) return [[resource.name, '-', '-', '-', '-']];
    return rules.map((rule) => [
      resource.name,
      rule.ruleType,
      stateText(rule),
      settingText(rule),
      sourceText(rule.ruleType),
    ]);
  });
  return table([['GROUP', 'RULE', 'STATE', 'SETTING', 'SOURCE'], ...rows]);
}
