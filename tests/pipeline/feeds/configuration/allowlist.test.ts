import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryConfiguration } from '../../../../shared/adapters/memory/configuration.ts';
import { formatPrefix, parsePrefix } from '../../../../shared/domain/address/prefix.ts';
import type { AllowEntry } from '../../../../shared/domain/indicator/allowlist.ts';
import {
  ALLOWLIST_FILE,
  changeAllowlist,
  parseAllowEntry,
  parseAllowlist,
  readAllowlistFile,
} from '../../../../shared/pipeline/feeds/configuration/allowlist.ts';
import type { Configuration } from '../../../../shared/ports/configuration.ts';

const NOW = Date.parse('2026-11-25T12:00:00Z');
const network = '45.66.64.0/24';
const reason = 'our own scanner';

function entry(text: string): AllowEntry {
  return { prefix: parsePrefix(text)!, reason, expiresAt: null, addedAt: NOW };
}

const networksOf = (entries: readonly AllowEntry[]) =>
  entries.map(({ prefix }) => formatPrefix(prefix));

const refusal = (message: RegExp) => ({ code: 'CONFIGURATION', message });

describe('the file of the allowlist', () => {
  it('has networks with reasons, and times if it likes', () => {
    const value = [
      { network, reason },
      {
        network: '2a06:E480::1',
        reason: '  because  ',
        expiresAt: '2027-01-01T01:00:00+01:00',
        addedAt: '2026-01-01T00:00:00Z',
      },
    ];
    assert.deepEqual(parseAllowlist(value), [
      { prefix: parsePrefix(network), reason, expiresAt: null, addedAt: null },
      {
        prefix: parsePrefix('2a06:e480::1/128'),
        reason: 'because',
        expiresAt: Date.parse('2027-01-01T00:00:00Z'),
        addedAt: Date.parse('2026-01-01T00:00:00Z'),
      },
    ]);
    assert.deepEqual(parseAllowlist([]), []);
  });

  it('keeps what has expired: nobody but its owner removes it', () => {
    assert.equal(
      parseAllowlist([{ network, reason, expiresAt: '2020-01-01T00:00:00Z' }]).length,
      1,
    );
  });

  it('clears host bits and folds IPv4 in IPv6', () => {
    const value = [
      { network: '45.66.64.7/24', reason },
      { network: '::ffff:45.66.65.1', reason },
    ];
    assert.deepEqual(networksOf(parseAllowlist(value)), ['45.66.64.0/24', '45.66.65.1/32']);
  });

  for (const [what, value, message] of [
    ['no list', {}, /^the allowlist: .*array/],
    ['an item that is no entry', ['45.66.64.1'], /^0: .*object/],
    ['an entry without a network', [{ reason }], /^0\.network: .*string/],
    ['all of IPv4', [{ network: '0.0.0.0/0', reason }], /^0\.network: .*broader than an IPv4 \/8/],
    ['half of IPv6', [{ network: '8000::/1', reason }], /^0\.network: .*an IPv6 \/16/],
    [
      'a name',
      [{ network: 'x.example.com', reason }],
      /^0\.network: an IPv4 or IPv6 address, or a network/,
    ],
    [
      'half an address',
      [
        { network, reason },
        { network: '45.66.64', reason },
      ],
      /^1\.network: /,
    ],
    ['an octal address', [{ network: '045.066.064.001', reason }], /^0\.network: /],
    ['a prefix too long', [{ network: '45.66.64.0/33', reason }], /^0\.network: /],
    ['no reason', [{ network }], /^0\.reason: .*string/],
    ['a reason of blanks', [{ network, reason: '   ' }], /^0\.reason: say why/],
    ['a reason that is none', [{ network, reason: 'ok' }], /^0\.reason: say why/],
    ['an essay', [{ network, reason: 'x'.repeat(501) }], /^0\.reason: .*500/],
    [
      'a time that is none',
      [{ network, reason, expiresAt: 'tomorrow' }],
      /^0\.expiresAt: an ISO 8601 time/,
    ],
    ['a time as a number', [{ network, reason, expiresAt: 5 }], /^0\.expiresAt: /],
    [
      'an addition at no time',
      [{ network, reason, addedAt: 'x' }],
      /^0\.addedAt: an ISO 8601 time/,
    ],
    ['a member that there is not', [{ network, reason, until: null }], /^0: .*"until"/],
    [
      'a network twice',
      [
        { network, reason },
        { network, reason },
      ],
      /^45\.66\.64\.0\/24 stands twice/,
    ],
    [
      'a network twice, in other words',
      [
        { network, reason },
        { network: '45.66.64.9/24', reason },
      ],
      /stands twice/,
    ],
    [
      'an address twice, in other words',
      [
        { network: '45.66.64.9', reason },
        { network: '45.66.64.9/32', reason },
      ],
      /stands twice/,
    ],
  ] as const) {
    it(`is refused with ${what}`, () => {
      assert.throws(() => parseAllowlist(value), refusal(message));
    });
  }

  it('names all the problems at once', () => {
    const value = [
      { network: 'x', reason },
      { network, reason: '' },
    ];
    assert.throws(() => parseAllowlist(value), refusal(/^0\.network: .*; 1\.reason: /));
  });

  it('has ten thousand entries at most', () => {
    const value = Array.from({ length: 10_001 }, (_, i) => ({
      network: `45.66.${i >> 8}.${i & 255}`,
      reason,
    }));
    assert.equal(parseAllowlist(value.slice(1)).length, 10_000);
    assert.throws(() => parseAllowlist(value), refusal(/10000/));
  });
});

describe('an entry by itself', () => {
  it('is added now', () => {
    assert.deepEqual(parseAllowEntry(network, { reason }, NOW), entry(network));
    const body = { reason, expiresAt: '2026-11-25T12:00:00.001Z' };
    assert.equal(parseAllowEntry(network, body, NOW).expiresAt, NOW + 1);
  });

  for (const [what, text, body, message] of [
    ['no network', 'x"\n', { reason }, /^network: "x\\"\\n" is no address/],
    ['no body', network, undefined, /^the allowlist: /],
    ['no reason', network, {}, /^reason: /],
    [
      'an end that has passed',
      network,
      { reason, expiresAt: '2026-11-25T12:00:00Z' },
      /^expiresAt: .* has passed/,
    ],
    ['an end that is no time', network, { reason, expiresAt: 'x' }, /^expiresAt: an ISO 8601/],
    ['a network in its body too', network, { reason, network }, /"network"/],
    ['a time of addition', network, { reason, addedAt: '2020-01-01T00:00:00Z' }, /"addedAt"/],
  ] as const) {
    it(`is refused with ${what}`, () => {
      assert.throws(() => parseAllowEntry(text, body, NOW), refusal(message));
    });
  }
});

describe('changing the allowlist', () => {
  it('begins without a file, and leaves none if nothing is to change', async () => {
    const configuration = new MemoryConfiguration();
    assert.deepEqual(await readAllowlistFile(configuration), { entries: [], version: null });
    assert.deepEqual(await changeAllowlist(configuration, () => null), []);
    assert.equal(await configuration.read(ALLOWLIST_FILE), null);
  });

  it('writes what the file then gives back', async () => {
    const configuration = new MemoryConfiguration();
    await changeAllowlist(configuration, () => [entry(network)]);
    const changed = await changeAllowlist(configuration, (entries) => [
      ...entries,
      { ...entry('2a06:e480::/32'), expiresAt: NOW },
    ]);
    assert.deepEqual((await readAllowlistFile(configuration)).entries, changed);
    assert.deepEqual(networksOf(changed), [network, '2a06:e480::/32']);
  });

  it('loses nothing that another one adds meanwhile', async () => {
    const configuration = new MemoryConfiguration();
    await Promise.all(
      ['45.66.64.1', '45.66.64.2', '45.66.64.3'].map((text) =>
        changeAllowlist(configuration, (entries) => [...entries, entry(text)]),
      ),
    );
    const { entries } = await readAllowlistFile(configuration);
    assert.deepEqual(networksOf(entries).sort(), [
      '45.66.64.1/32',
      '45.66.64.2/32',
      '45.66.64.3/32',
    ]);
  });

  it('gives up where the file changes each time', async () => {
    let writes = 0;
    const busy: Configuration = {
      read: async () => ({ value: [], version: 'v' }),
      write: async () => {
        writes++;
        return null;
      },
    };
    await assert.rejects(
      changeAllowlist(busy, () => [entry(network)]),
      /changed 5 times/,
    );
    assert.equal(writes, 5);
  });

  it('does not touch a file that it cannot read', async () => {
    const configuration = new MemoryConfiguration();
    await configuration.write(ALLOWLIST_FILE, [{ network: 'x', reason }], null);
    await assert.rejects(
      changeAllowlist(configuration, () => []),
      refusal(/^0\.network/),
    );
    assert.deepEqual((await configuration.read(ALLOWLIST_FILE))?.value, [{ network: 'x', reason }]);
  });
});
