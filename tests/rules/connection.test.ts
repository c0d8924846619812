import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DIRECTIONS, directionOf } from '../../shared/domain/telemetry/direction.ts';
import {
  ALLOWLIST_RULE_TYPES,
  DENYLIST_RULE_TYPES,
} from '../../shared/domain/security-group/rule-types.ts';
import { ADDRESS_RULES, ruleTextOf } from '../../shared/rules/catalogue.ts';
import { deniedPeer } from '../../shared/rules/connection/denied-peer.ts';
import { inboundNotAllowed } from '../../shared/rules/connection/inbound-not-allowed.ts';
import { listedPeer } from '../../shared/rules/connection/listed-peer.ts';
import { outboundNotAllowed } from '../../shared/rules/connection/outbound-not-allowed.ts';
import { feedHealth } from '../../shared/rules/platform/feed-health.ts';
import { streamGap } from '../../shared/rules/platform/stream-gap.ts';

describe('contact with a listed address', () => {
  it('is as grave as who began it and whether bytes went both ways', () => {
    assert.deepEqual(
      DIRECTIONS.map((direction) => listedPeer.severityOf(direction, false)),
      ['high', 'medium', 'medium', 'low'],
    );
  });

  it('is high only from an ephemeral or an equal port', () => {
    const severity = (localPort: number, remotePort: number) =>
      listedPeer.severityOf(directionOf(1, 1, localPort, remotePort, 30_000), false);
    assert.equal(severity(30_000, 443), 'high');
    assert.equal(severity(29_999, 443), 'medium');
    assert.equal(severity(5683, 5683), 'high');
    assert.equal(severity(0, 0), 'medium');
  });

  it('that nobody answered is low, an attempt without an answer medium', () => {
    assert.equal(listedPeer.severityOf(directionOf(40, 0, 23, 51_000, 30_000), false), 'low');
    assert.equal(listedPeer.severityOf(directionOf(0, 40, 51_000, 23, 30_000), false), 'medium');
    assert.equal(listedPeer.severityOf(directionOf(0, 0, 0, 0, 30_000), false), 'medium');
  });
});

describe('contact with an address on a warning list', () => {
  it('is at most low, whoever began and whatever was answered', () => {
    assert.deepEqual(
      DIRECTIONS.map((direction) => listedPeer.severityOf(direction, true)),
      ['low', 'low', 'low', 'low'],
    );
  });
});

describe('the address rules of a group', () => {
  it('are those that the group types name as judged message by message', () => {
    const types = [...ALLOWLIST_RULE_TYPES, ...DENYLIST_RULE_TYPES];
    assert.deepEqual(
      ADDRESS_RULES.map(({ ruleType }) => ruleType),
      types.filter(({ source }) => source === 'connections').map(({ ruleType }) => ruleType),
    );
  });

  it('of allowing kind judge each connection once: by who began', () => {
    const allowing = ADDRESS_RULES.filter(({ list }) => list === 'allow');
    assert.deepEqual(allowing, [outboundNotAllowed, inboundNotAllowed]);
    for (const direction of DIRECTIONS) {
      assert.equal(allowing.filter((rule) => rule.directions.includes(direction)).length, 1);
    }
    assert.deepEqual(
      allowing.flatMap(({ directions }) => directions),
      DIRECTIONS,
    );
  });

  it('of allowing kind are low, whatever happened', () => {
    for (const rule of [outboundNotAllowed, inboundNotAllowed]) {
      assert.deepEqual(new Set(rule.directions.map(rule.severityOf)), new Set(['low']));
    }
  });

  it('of denying kind judge whoever began, as gravely as a listed peer', () => {
    assert.deepEqual(deniedPeer.directions, DIRECTIONS);
    for (const direction of DIRECTIONS) {
      assert.equal(deniedPeer.severityOf(direction), listedPeer.severityOf(direction, false));
    }
  });
});

describe('the catalogue of rules', () => {
  it('has the text of every rule', () => {
    for (const rule of [listedPeer, ...ADDRESS_RULES, streamGap, feedHealth]) {
      assert.equal(ruleTextOf(rule.alertType), rule);
      assert.ok(rule.displayName && rule.description && rule.limits);
      assert.ok(rule.remediationSteps.length > 0);
    }
    assert.equal(ruleTextOf('IoT_TiConnection').displayName, 'Suspicious IP address communication');
    assert.equal(streamGap.severity, 'high');
  });

  it('throws for an alert type that no rule raises', () => {
    assert.throws(() => ruleTextOf('IoT_Nothing'), /no rule raises the alert type IoT_Nothing/);
  });
});
