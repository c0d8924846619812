// A security group from the JSON of `Microsoft.Security/deviceSecurityGroups` 2019-08-01, whoever wrote it. What only
// servers write (`id`, `displayName`, `valueType`, …) is passed over, so an export is read as it is.
import { parsePrefix } from '../../domain/address/prefix.ts';
import { groupNameProblem } from '../../domain/security-group/group-name.ts';
import {
  ALLOWLIST_RULE_TYPES,
  DENYLIST_RULE_TYPES,
  type ListRuleType,
  type ValueType,
  WINDOW_RULE_TYPES,
} from '../../domain/security-group/rule-types.ts';
import type {
  ListRule,
  SecurityGroup,
  TimeWindowRule,
} from '../../domain/security-group/security-group.ts';
import { parseDuration } from '../../domain/time/duration.ts';
import {
  MAX_PROBLEMS,
  MAX_THRESHOLD,
  MAX_VALUES,
  MAX_VALUES_LENGTH,
  MAX_VALUE_LENGTH,
  MAX_WINDOW_MS,
  MIN_WINDOW_MS,
} from './limits.ts';
import { saysNothing } from './unnamed-rules.ts';

/** What a group's properties hold. */
const RULE_LISTS: readonly string[] = [
  'timeWindowRules',
  'allowlistRules',
  'denylistRules',
  'thresholdRules',
];

export interface GroupProblem {
  /** The field, as `properties.timeWindowRules[2].maxThreshold`. */
  readonly path: string;
  readonly message: string;
}

/** Either the group or what is wrong with it, at most `MAX_PROBLEMS` of all that is. */
export type ReadGroup =
  | { readonly group: SecurityGroup; readonly problems: null }
  | { readonly group: null; readonly problems: readonly GroupProblem[] };

type Fields = Readonly<Record<string, unknown>>;

/** Every list of rules, and where each rule type belongs. */
const HOME_OF = new Map<string, string>([
  ...WINDOW_RULE_TYPES.map(({ ruleType }) => [ruleType, 'timeWindowRules'] as const),
  ...ALLOWLIST_RULE_TYPES.map(({ ruleType }) => [ruleType, 'allowlistRules'] as const),
  ...DENYLIST_RULE_TYPES.map(({ ruleType }) => [ruleType, 'denylistRules'] as const),
]);

/** Rules come out in the order of their types, and without those that say what an unnamed one says. */
export function readGroup(name: string, resource: unknown): ReadGroup {
  const reader = new GroupReader();
  const group = reader.read(name, resource);
  const { problems } = reader;
  return problems.length === 0 ? { group, problems: null } : { group: null, problems };
}

class GroupReader {
  readonly problems: GroupProblem[] = [];
  #valuesLength = 0;

  read(name: string, resource: unknown): SecurityGroup {
    const wrong = groupNameProblem(name);
    if (wrong !== null) this.#refuse('name', wrong);
    const properties = this.#properties(resource);
    this.#refuseThresholdRules(properties['thresholdRules']);
    const group = {
      name,
      timeWindowRules: this.#rules(properties, 'timeWindowRules', WINDOW_RULE_TYPES, (rule, path) =>
        this.#windowRule(rule, path),
      ),
      allowlistRules: this.#lists(properties, 'allowlistRules', ALLOWLIST_RULE_TYPES),
      denylistRules: this.#lists(properties, 'denylistRules', DENYLIST_RULE_TYPES),
    };
    if (this.#valuesLength > MAX_VALUES_LENGTH) {
      const message = `the values of a group have at most ${MAX_VALUES_LENGTH} characters together; these have ${this.#valuesLength}`;
      this.#refuse('properties', message);
    }
    return {
      ...group,
      timeWindowRules: group.timeWindowRules.filter((rule) => !saysNothing(rule)),
      allowlistRules: group.allowlistRules.filter((rule) => !saysNothing(rule)),
    };
  }

  #refuse(path: string, message: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push({ path, message });
  }

  #properties(resource: unknown): Fields {
    if (!isObject(resource)) {
      this.#refuse('properties', 'a security group was expected: an object with "properties"');
      return {};
    }
    const properties = own(resource, 'properties') ?? null;
    if (properties !== null && !isObject(properties)) {
      this.#refuse('properties', `an object was expected, found ${shown(properties)}`);
      return {};
    }
    // Azure's JavaScript client shows a group's properties as its own: what it writes to a file has them there.
    const read = properties ?? resource;
    for (const list of properties === null ? [] : listsOf(resource)) {
      this.#refuse(list, 'belongs into "properties", which is there too');
    }
    // A list that is misspelt would be no rule at all.
    for (const list of listsOf(read)) {
      if (RULE_LISTS.includes(list)) continue;
      const path = properties === null ? list : `properties.${list}`;
      this.#refuse(path, `there is no such list: ${RULE_LISTS.join(', ')}`);
    }
    return read;
  }

  /** No concrete type of them was ever published. */
  #refuseThresholdRules(rules: unknown): void {
    if (rules === undefined || rules === null) return;
    if (Array.isArray(rules) && rules.length === 0) return;
    this.#refuse('properties.thresholdRules', 'there are no threshold rules: leave it out, or []');
  }

  #lists(properties: Fields, list: string, types: readonly ListRuleType[]): readonly ListRule[] {
    const valuesField = list.replace('Rules', 'Values');
    return this.#rules(properties, list, types, (rule, path, { valueType }) =>
      this.#listRule(rule, path, valuesField, valueType),
    );
  }

  /** The rules of a list in the order of their types; a wrong one is told and left out. */
  #rules<Type extends { readonly ruleType: string }, Rule>(
    properties: Fields,
    list: string,
    types: readonly Type[],
    read: (rule: Fields, path: string, type: Type) => Rule,
  ): readonly Rule[] {
    const rules = own(properties, list) ?? [];
    const listPath = `properties.${list}`;
    if (!Array.isArray(rules)) {
      this.#refuse(listPath, `a list was expected, found ${shown(rules)}`);
      return [];
    }
    const found = new Map<string, Rule>();
    for (const [i, rule] of (rules as readonly unknown[]).entries()) {
      if (this.problems.length >= MAX_PROBLEMS) break;
      const path = `${listPath}[${i}]`;
      const type = this.#typeOf(rule, path, list, types);
      if (type === null) continue;
      if (found.has(type.ruleType)) {
        this.#refuse(`${path}.ruleType`, `${type.ruleType} is there twice`);
      } else {
        found.set(type.ruleType, read(rule as Fields, path, type));
      }
    }
    return types.flatMap(({ ruleType }) => found.get(ruleType) ?? []);
  }

  #typeOf<Type extends { readonly ruleType: string }>(
    rule: unknown,
    path: string,
    list: string,
    types: readonly Type[],
  ): Type | null {
    if (!isObject(rule)) {
      this.#refuse(path, `a rule was expected, found ${shown(rule)}`);
      return null;
    }
    const ruleType = own(rule, 'ruleType');
    const type = types.find((one) => one.ruleType === ruleType);
    if (type !== undefined) return type;
    const home = typeof ruleType === 'string' ? HOME_OF.get(ruleType) : undefined;
    const message =
      typeof ruleType !== 'string'
        ? `the type of a rule was expected, found ${shown(ruleType)}`
        : home === undefined
          ? `there is no rule type ${shown(ruleType)}`
          : `a rule ${ruleType} stands in ${home}, not in ${list}`;
    this.#refuse(`${path}.ruleType`, message);
    return null;
  }

  #windowRule(rule: Fields, path: string): TimeWindowRule {
    const ruleType = String(rule['ruleType']);
    const minThreshold = this.#threshold(rule, 'minThreshold', path);
    const maxThreshold = this.#threshold(rule, 'maxThreshold', path);
    if (minThreshold !== null && maxThreshold !== null && maxThreshold < minThreshold) {
      const message = `a number from minThreshold (${minThreshold}) on was expected, found ${maxThreshold}`;
      this.#refuse(`${path}.maxThreshold`, message);
    }
    return {
      ruleType,
      isEnabled: this.#isEnabled(rule, path),
      minThreshold: minThreshold ?? 0,
      maxThreshold: maxThreshold ?? 0,
      ...this.#window(rule, path),
    };
  }

  #isEnabled(rule: Fields, path: string): boolean {
    const value = own(rule, 'isEnabled');
    if (typeof value !== 'boolean') {
      this.#refuse(`${path}.isEnabled`, `true or false was expected, found ${shown(value)}`);
    }
    return value === true;
  }

  #threshold(rule: Fields, field: string, path: string): number | null {
    const value = own(rule, field);
    if (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_THRESHOLD) {
      return Number(value) + 0; // Not -0.
    }
    const message = `an integer from 0 to ${MAX_THRESHOLD} was expected, found ${shown(value)}`;
    this.#refuse(`${path}.${field}`, message);
    return null;
  }

  #window(rule: Fields, path: string): Pick<TimeWindowRule, 'timeWindowSize' | 'windowMs'> {
    const written = own(rule, 'timeWindowSize');
    const windowMs = typeof written === 'string' ? parseDuration(written) : null;
    const isWindow =
      windowMs !== null &&
      windowMs >= MIN_WINDOW_MS &&
      windowMs <= MAX_WINDOW_MS &&
      windowMs % 60_000 === 0;
    if (isWindow) return { timeWindowSize: String(written), windowMs };
    const message = `an ISO 8601 duration of whole minutes from PT1M to P1D was expected, found ${shown(written)}`;
    this.#refuse(`${path}.timeWindowSize`, message);
    return { timeWindowSize: '', windowMs: 0 };
  }

  #listRule(rule: Fields, path: string, field: string, valueType: ValueType): ListRule {
    return {
      ruleType: String(rule['ruleType']),
      isEnabled: this.#isEnabled(rule, path),
      values: this.#values(own(rule, field), `${path}.${field}`, valueType),
    };
  }

  #values(values: unknown, path: string, valueType: ValueType): readonly string[] {
    if (!Array.isArray(values)) {
      this.#refuse(path, `a list of texts was expected, found ${shown(values)}`);
      return [];
    }
    if (values.length > MAX_VALUES) {
      this.#refuse(path, `a rule has at most ${MAX_VALUES} values; this one has ${values.length}`);
      return [];
    }
    return (values as readonly unknown[]).flatMap((value, i) => {
      if (this.problems.length >= MAX_PROBLEMS) return [];
      const wrong = valueProblem(value, valueType);
      if (wrong !== null) this.#refuse(`${path}[${i}]`, wrong);
      if (typeof value !== 'string') return [];
      this.#valuesLength += value.length;
      return [value];
    });
  }
}

function valueProblem(value: unknown, valueType: ValueType): string | null {
  if (typeof value !== 'string') return `a text was expected, found ${shown(value)}`;
  if (valueType === 'IpCidr') {
    if (parsePrefix(value) !== null) return null;
    return `an IPv4 or IPv6 address or network in CIDR notation was expected, found ${shown(value)}`;
  }
  if (value !== '' && value.length <= MAX_VALUE_LENGTH) return null;
  return `a text of 1 to ${MAX_VALUE_LENGTH} characters was expected, found ${shown(value)}`;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

/** What was found, short enough for a message. */
function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (isObject(value)) return 'an object';
  return JSON.stringify(typeof value === 'string' ? value.slice(0, 64) : value);
}

/** What looks like a list of rules by its name. */
function listsOf(fields: Fields): readonly string[] {
  return Object.keys(fields).filter((name) => /rule/i.test(name));
}
