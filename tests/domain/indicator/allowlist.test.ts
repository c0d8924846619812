import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseAddress } from '../../../shared/domain/address/address.ts';
import { parsePrefix, prefixCovers } from '../../../shared/domain/address/prefix.ts';
import { type AllowEntry, allowedBy } from '../../../shared/domain/indicator/allowlist.ts';

const AT = 1_000_000;

function entry(network: string, expiresAt: number | null = null): AllowEntry {
  return { prefix: parsePrefix(network)!, reason: network, expiresAt, addedAt: 0 };
}

function allowed(entries: readonly AllowEntry[], text: string, at = AT): string | null {
  return allowedBy(entries, parseAddress(text)!, at)?.reason ?? null;
}

describe('the allowlist', () => {
  const list = [entry('45.66.64.0/24'), entry('45.66.65.7'), entry('2a06:e480::/32')];

  it('covers what lies in its networks', () => {
    assert.equal(allowed(list, '45.66.64.0'), '45.66.64.0/24');
    assert.equal(allowed(list, '45.66.64.255'), '45.66.64.0/24');
    assert.equal(allowed(list, '45.66.65.7'), '45.66.65.7');
    assert.equal(allowed(list, '2a06:e480:ffff::1'), '2a06:e480::/32');
  });

  it('covers nothing beside them', () => {
    for (const text of ['45.66.63.255', '45.66.65.6', '45.66.65.8', '2a06:e481::', '::1']) {
      assert.equal(allowed(list, text), null);
    }
    assert.equal(allowed([], '45.66.64.1'), null);
  });

  it('keeps the families apart', () => {
    assert.equal(allowed([entry('0.0.0.0/0')], '::2d42:4001'), null);
    assert.equal(allowed([entry('::/0')], '45.66.64.1'), null);
  });

  it('ends with the instant at which an entry expires', () => {
    const until = [entry('45.66.64.1', AT)];
    assert.equal(allowed(until, '45.66.64.1', AT - 1), '45.66.64.1');
    assert.equal(allowed(until, '45.66.64.1', AT), null);
    assert.equal(allowed(until, '45.66.64.1', AT + 1), null);
  });

  it('names the narrowest entry that holds', () => {
    const nested = [entry('45.66.64.0/24'), entry('45.66.64.0/25', AT), entry('45.66.0.0/16')];
    assert.equal(allowed(nested, '45.66.64.1', AT - 1), '45.66.64.0/25');
    assert.equal(allowed(nested, '45.66.64.1'), '45.66.64.0/24');
    assert.equal(allowed(nested, '45.66.65.1'), '45.66.0.0/16');
  });

  it('allows exactly what one of its entries covers then', () => {
    const entries = fc.array(
      fc
        .tuple(
          fc.constantFrom('45.66.64.0/24', '45.66.64.128/25', '45.66.64.1', '2a06:e480::/48'),
          fc.option(fc.integer({ min: 0, max: 3 })),
        )
        .map(([network, until]) => entry(network, until)),
    );
    const asked = fc.constantFrom('45.66.64.1', '45.66.64.200', '45.66.65.1', '2a06:e480::9');
    fc.assert(
      fc.property(entries, asked, fc.integer({ min: 0, max: 3 }), (list, text, at) => {
        const address = parseAddress(text)!;
        const expected = list.some(
          ({ prefix, expiresAt }) =>
            prefixCovers(prefix, address) && !(expiresAt !== null && expiresAt <= at),
        );
        assert.equal(allowedBy(list, address, at) !== null, expected);
      }),
    );
  });
});
