// Rules in words, for plans and lists.
import {
  ALLOWLIST_RULE_TYPES,
  DENYLIST_RULE_TYPES,
  WINDOW_RULE_TYPES,
} from '../../shared/domain/security-group/rule-types.ts';
import type {
  ListRule,
  SecurityGroup,
  TimeWindowRule,
} from '../../shared/domain/security-group/security-group.ts';

type Rule = TimeWindowRule | ListRule;

const SOURCES = new Map(
  [...WINDOW_RULE_TYPES, ...ALLOWLIST_RULE_TYPES, ...DENYLIST_RULE_TYPES].map(
    ({ ruleType, source }) => [ruleType, source],
  ),
);

const VALUES_SHOWN = 3;

export function rulesOf(group: SecurityGroup): readonly Rule[] {
  return [...group.timeWindowRules, ...group.allowlistRules, ...group.denylistRules];
}

export function settingText(rule: Rule): string {
  if (!('values' in rule)) {
    return `${rule.minThreshold} to ${rule.maxThreshold} in ${rule.timeWindowSize}`;
  }
  return rule.values.length === 1 ? '1 value' : `${rule.values.length} values`;
}

export function stateText({ isEnabled }: Rule): string {
  return isEnabled ? 'enabled' : 'disabled';
}

/** Where the figures of a rule come from. */
export function sourceText(ruleType: string): string {
  const source = SOURCES.get(ruleType);
  if (source === 'never') return 'none: not judged';
  if (source === 'notYet') return 'none yet: not judged';
  return source === 'twinUpdates' ? 'twin events of the hub' : 'connections of the agent';
}

export function isJudged(ruleType: string): boolean {
  const source = SOURCES.get(ruleType);
  return source !== 'never' && source !== 'notYet';
}

/** One line a rule that is not what it was. */
export function changesOf(before: SecurityGroup | null, after: SecurityGroup): readonly string[] {
  const was = new Map(
    (before === null ? [] : rulesOf(before)).map((rule) => [rule.ruleType, rule]),
  );
  const now = new Set(rulesOf(after).map(({ ruleType }) => ruleType));
  const changed = rulesOf(after).flatMap((rule) => {
    const old = was.get(rule.ruleType);
    const text = `${rule.ruleType}: ${ruleText(rule)}`;
    if (old === undefined) return [text];
    if (isSame(old, rule)) return [];
    const values = 'values' in rule && 'values' in old ? valuesText(old.values, rule.values) : '';
    return [`${text} (was ${ruleText(old)})${values}`];
  });
  const gone = [...was.keys()].filter((ruleType) => !now.has(ruleType));
  return [...changed, ...gone.map((ruleType) => `${ruleType}: no longer set`)];
}

function ruleText(rule: Rule): string {
  return `${stateText(rule)}, ${settingText(rule)}`;
}

/** Lists are sets: their order says nothing. */
function isSame(a: Rule, b: Rule): boolean {
  if (a.isEnabled !== b.isEnabled) return false;
  if ('values' in a || 'values' in b) {
    return (
      'values' in a &&
      'values' in b &&
      missing(a.values, b.values).length + missing(b.values, a.values).length === 0
    );
  }
  return (
    a.minThreshold === b.minThreshold &&
    a.maxThreshold === b.maxThreshold &&
    a.timeWindowSize === b.timeWindowSize
  );
}

function valuesText(old: readonly string[], values: readonly string[]): string {
  const added = missing(old, values).map((value) => `+${value}`);
  const removed = missing(values, old).map((value) => `-${value}`);
  return [added, removed]
    .filter((list) => list.length > 0)
    .map((list) => {
      const more = list.length > VALUES_SHOWN ? ` and ${list.length - VALUES_SHOWN} more` : '';
      return `; ${list.slice(0, VALUES_SHOWN).join(' ')}${more}`;
    })
    .join('');
}

function missing(from: readonly string[], values: readonly string[]): string[] {
  const known = new Set(from);
  return values.filter((value) => !known.has(value));
}
