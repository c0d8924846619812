import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePrefix } from '../../../../shared/domain/address/prefix.ts';
import type { AllowEntry } from '../../../../shared/domain/indicator/allowlist.ts';
import type { Constraint } from '../../../../shared/domain/indicator/constraint.ts';
import { buildSnapshot } from '../../../../shared/format/indicator-snapshot/build-snapshot.ts';
import { openSnapshot } from '../../../../shared/format/indicator-snapshot/open-snapshot.ts';
import {
  addressOf,
  explainAddress,
} from '../../../../shared/pipeline/feeds/operate/explain-address.ts';
import {
  type TestFeed,
  listed,
  threats,
  warningList,
} from '../../../format/indicator-snapshot/feeds.ts';

const NOW = Date.parse('2026-08-22T11:00:00Z');
const ref = { ordinal: 7, id: 'abc' };
const ADDRESS = '45.66.64.1';

function explain(
  text: string,
  feeds: readonly TestFeed[],
  allowlist: readonly AllowEntry[] = [],
  now = NOW,
) {
  const index = openSnapshot(buildSnapshot(feeds));
  return explainAddress({ ref, index, allowlist }, addressOf(text), now);
}

const allowed = (network: string, expiresAt: number | null = null): AllowEntry => ({
  prefix: parsePrefix(network)!,
  reason: 'our partner',
  expiresAt,
  addedAt: NOW,
});
const constrained = (constraint: Partial<Constraint>) =>
  listed(ADDRESS, {
    constraint: { ports: null, direction: null, protocol: null, ...constraint },
  });

describe('explaining an address', () => {
  it('tells who lists it, by what, and since when', () => {
    const detail = {
      id: 'indicator--1',
      sources: ['someone'],
      labels: ['botnet'],
      confidence: 80,
      tlp: 'amber',
      listedSince: '2026-08-01T00:00:00.000Z',
      validFrom: '2026-08-01T00:00:00Z',
      validUntil: '2026-09-01T00:00:00Z',
    } as const;
    const explanation = explain(ADDRESS, [
      threats('one', listed(ADDRESS, detail)),
      threats('two', listed('45.66.64.0/24')),
    ]);
    const { indicators, ...rest } = explanation;
    assert.deepEqual(rest, {
      address: ADDRESS,
      listed: true,
      snapshot: ref,
      warningLists: [],
      allowlist: null,
      effect:
        'A contact raises IoT_TiConnection, severity low to high, by who began and what passed.',
    });
    assert.deepEqual(indicators[0], {
      feed: 'one',
      kind: 'threat',
      value: ADDRESS,
      matchedPrefix: `${ADDRESS}/32`,
      constraint: null,
      state: 'active',
      ...detail,
    });
    assert.partialDeepStrictEqual(indicators[1], {
      feed: 'two',
      sources: ['two'],
      matchedPrefix: '45.66.64.0/24',
      confidence: null,
      state: 'active',
    });
  });

  it('takes an IPv4-mapped address for the IPv4 address', () => {
    const { address, listed: isListed } = explain('::ffff:45.66.64.1', [
      threats('one', listed(ADDRESS)),
    ]);
    assert.deepEqual([address, isListed], [ADDRESS, true]);
  });

  it('knows IPv6, in any spelling', () => {
    const { address, indicators } = explain('2001:0DB8:0:0::1', [
      threats('one', listed('2001:db8::/32')),
    ]);
    assert.deepEqual([address, indicators[0]!.matchedPrefix], ['2001:db8::1', '2001:db8::/32']);
  });

  it('refuses what is no address', () => {
    for (const text of ['', 'x', '1.2.3', '45.66.64.1/32', '45.66.64.01', 'fe80::1%eth0']) {
      assert.throws(() => explain(text, []), { code: 'InvalidRequest' });
    }
    assert.throws(
      () => explain('\u001b[31m'.repeat(100), []),
      (error: Error) => !error.message.includes('\u001b') && error.message.length < 500,
    );
  });
});

describe('the effect of a contact', () => {
  const effect = (...given: Parameters<typeof explain>) => explain(...given).effect;
  const one = threats('one', listed(ADDRESS));

  it('is none for what no feed lists, also under a warning list or the allowlist', () => {
    const none = 'A contact raises nothing: no feed in use lists the address.';
    assert.equal(effect('45.66.64.2', [one]), none);
    const explanation = explain(ADDRESS, [warningList('w', ADDRESS)], [allowed(ADDRESS)]);
    assert.equal(explanation.effect, none);
    assert.equal(explanation.listed, false);
    assert.equal(explanation.warningLists.length, 1);
    assert.equal(explanation.allowlist!.network, `${ADDRESS}/32`);
  });

  it('is none from the end of an indicator on, and before its beginning', () => {
    const end = '2026-08-22T11:00:00Z';
    const ended = [threats('one', listed(ADDRESS, { validUntil: end }))];
    assert.match(effect(ADDRESS, ended, [], NOW - 1), /^A contact raises IoT_TiConnection/);
    assert.equal(
      effect(ADDRESS, ended),
      'A contact raises nothing: what lists the address expired at 2026-08-22T11:00:00.000Z.',
    );
    assert.equal(explain(ADDRESS, ended).indicators[0]!.state, 'expired');
    const before = threats('two', listed(ADDRESS, { validUntil: '2020-01-01T00:00:00Z' }));
    assert.match(effect(ADDRESS, [...ended, before]), /expired at 2026-08-22T11/);
    const later = [threats('one', listed(ADDRESS, { validFrom: '2026-09-01T00:00:00Z' }))];
    assert.equal(
      effect(ADDRESS, later),
      'A contact raises nothing: what lists the address is valid from 2026-09-01T00:00:00.000Z on.',
    );
    assert.equal(explain(ADDRESS, later).indicators[0]!.state, 'notYetValid');
  });

  it('is none for what the allowlist covers, until its entry ends', () => {
    const until = NOW + 1;
    assert.equal(
      effect(ADDRESS, [one], [allowed('45.66.0.0/16', until)]),
      'A contact raises nothing: 45.66.0.0/16 is on the allowlist until 2026-08-22T11:00:00.001Z (our partner).',
    );
    const over = explain(ADDRESS, [one], [allowed('45.66.0.0/16', NOW)]);
    assert.match(over.effect, /^A contact raises IoT_TiConnection/);
    assert.equal(over.allowlist, null);
  });

  it('is capped under a warning list, which is named', () => {
    const lists = [warningList('resolvers', ADDRESS), warningList('clouds', '45.66.0.0/16')];
    assert.equal(
      effect(ADDRESS, [one, lists[0]!]),
      'A contact raises IoT_TiConnection, severity low; capped at low because the warning list resolvers covers the address.',
    );
    assert.match(effect(ADDRESS, [one, ...lists]), /warning list resolvers and 1 more covers?/);
  });

  it('says what else must hold where every indicator asks for more', () => {
    const port = threats('one', constrained({ ports: [443, 8443], protocol: 'tcp' }));
    assert.equal(
      effect(ADDRESS, [port]),
      'A contact raises IoT_TiConnection, severity low to high, by who began and what passed, but only at its port 443, 8443 over tcp.',
    );
    const called = threats('two', constrained({ direction: 'destination' }));
    assert.match(
      effect(ADDRESS, [called]),
      /severity medium to high, .*, but only where the device called it\.$/,
    );
    const calling = threats('two', constrained({ direction: 'source' }));
    assert.match(effect(ADDRESS, [calling]), /severity low to medium, .* where it called the/);
    assert.match(effect(ADDRESS, [port, called]), /over tcp, or where the device called it\.$/);
    assert.doesNotMatch(effect(ADDRESS, [port, threats('two', listed('45.66.0.0/16'))]), /only/);
  });

  it('asks for nothing more on account of an indicator that has expired', () => {
    const expired = threats('two', listed(ADDRESS, { validUntil: '2020-01-01T00:00:00Z' }));
    const port = threats('one', constrained({ ports: [443] }));
    assert.match(effect(ADDRESS, [expired, port]), /, but only at its port 443\.$/);
  });

  it('names a few ports of many', () => {
    const ports = Array.from({ length: 500 }, (_, i) => i + 1);
    const text = effect(ADDRESS, [threats('one', constrained({ ports }))]);
    assert.match(text, /port 1, 2, 3, 4, 5, 6, 7, 8 or others\.$/);
  });
});
