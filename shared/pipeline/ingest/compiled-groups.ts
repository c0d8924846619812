import { AddressSet } from '../../domain/address/address-set.ts';
import { parsePrefix } from '../../domain/address/prefix.ts';
import {
  type GroupSet,
  type SecurityGroup,
  groupKey,
  judgingGroup,
} from '../../domain/security-group/security-group.ts';
import { ADDRESS_RULES } from '../../rules/catalogue.ts';
import type { AddressRule } from '../../rules/connection/address-rule.ts';

/** An enabled rule of a group, and the addresses of its list. */
export interface AddressCheck {
  readonly rule: AddressRule;
  readonly addresses: AddressSet;
}

const NO_CHECKS: readonly AddressCheck[] = [];

/** The address rules of all groups at one revision, ready to be asked connection by connection. */
export class CompiledGroups {
  readonly revision: number;
  readonly #checks: ReadonlyMap<string, readonly AddressCheck[]>;

  constructor({ revision, groups }: GroupSet) {
    this.revision = revision;
    this.#checks = new Map(groups.map((group) => [groupKey(group.name), checksOf(group)]));
  }

  /** What devices of a stamped group are held against. */
  checksOf(stamped: string): readonly AddressCheck[] {
    return judgingGroup(this.#checks, stamped) ?? NO_CHECKS;
  }
}

/** A rule that stands twice is one rule with the values of both. */
function checksOf(group: SecurityGroup): readonly AddressCheck[] {
  return ADDRESS_RULES.flatMap((rule) => {
    const rules = rule.list === 'allow' ? group.allowlistRules : group.denylistRules;
    const enabled = rules.filter((one) => one.isEnabled && one.ruleType === rule.ruleType);
    if (enabled.length === 0) return [];
    const prefixes = enabled.flatMap(({ values }) => values.map(parsePrefix));
    // What writes a group refuses what is no address. What got in beside it must not stop every message of the fleet.
    return [{ rule, addresses: new AddressSet(prefixes.filter((prefix) => prefix !== null)) }];
  });
}
