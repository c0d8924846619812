import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_PATTERN_LENGTH, readPattern } from '../../../shared/format/stix/pattern.ts';
import { outcome, reasons } from './outcome.ts';

const V4 = "ipv4-addr:value = '45.66.64.1'";
const V4_NET = '45.66.64.1/32';
const DST = "network-traffic:dst_ref.value = '45.66.64.1'";
const SRC = "network-traffic:src_ref.value = '45.66.64.1'";
const ADDRESSES = Array.from({ length: 100 }, (_, i) => `45.66.${i}.1`);

describe('a pattern that parses', () => {
  for (const pattern of [
    `[${V4}]`,
    "[ipv4-addr:value='45.66.64.1']",
    `\n\t[ ${V4}\r\n]\u00a0\u3000`,
    `[${V4} // a comment\n] // and '[`,
    `/* '( */[/**/${V4}/* ' OR 1 *//* */]`,
    "[ipv4-addr:'value' = '45.66.64.1']",
    "[ipv4-addr : value = '45.66.64.1']",
    `[(((${V4})))]`,
    `(([${V4}]))`,
    "[ipv4-addr:value IN ('45.66.64.1')]",
    "[ipv4-addr:value IN ('45.66.64.1', '45.66.64.1/32')]",
    "[ipv4-addr:value ISSUBSET '45.66.64.1']",
    `[${V4} AND (${V4} OR ${V4})]`,
    `[${V4}] OR [${V4}]`,
  ]) {
    it(`lists the address: ${JSON.stringify(pattern)}`, () => {
      assert.equal(outcome(pattern), V4_NET);
    });
  }

  for (const pattern of [
    '[file:size > 1 AND file:size <= -1.5 AND file:size <> +.5 AND file:size >= 0]',
    "[file:hashes.'SHA-256' = 'aa' OR file:hashes.SHA-1 = h'00fF' OR file:x = b'aGk=']",
    "[file:x = b'' OR file:y = h'' OR file:z = '' OR file:a = true OR file:b != false]",
    "[file:created > t'2026-08-23T00:00:00Z' AND file:m < t'2026-08-23T00:00:00.123456789012Z']",
    "[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0]",
    "[file:parts[0].name LIKE '%a_' OR file:parts[-1].name MATCHES '^(a+)+$']",
    "[file:name NOT IN () OR file:name NOT LIKE 'a' OR file:name NOT = 'b']",
    '[EXISTS file:name OR NOT EXISTS file:size]',
    '[x-custom_type-2:x_y = 1] AND [file:a = 1] FOLLOWEDBY ([file:b = 1] OR [file:c = 1])',
    "[file:a = 1] START '2020-01-01T00:00:00Z' STOP '2020-02-01T00:00:00Z'",
    '[file:a = 1] WITHIN 5 SECONDS REPEATS 2 TIMES WITHIN 0.5 SECONDS',
    '([file:a = 1] WITHIN 5 SECONDS) REPEATS 2 TIMES',
  ]) {
    it(`lists nothing, and was read: ${pattern}`, () => {
      assert.equal(readPattern(pattern).alternatives.length, 0);
      assert.deepEqual([...new Set(reasons(pattern))], ['noAddress']);
    });
  }
});

describe('a pattern that does not parse', () => {
  for (const pattern of [
    '',
    ' ',
    '[]',
    '()',
    V4,
    `${V4}]`,
    `[${V4}`,
    `[${V4}]]`,
    `[${V4}]) `,
    `([${V4}]`,
    `[(${V4}]`,
    `[(${V4}])`,
    `[${V4})`,
    `[[${V4}]]`,
    `(${V4})`,
    `[${V4}] xyz`,
    `[${V4}] [${V4}]`,
    `[${V4} ${V4}]`,
    `[${V4}] OR`,
    `[${V4}] OR ${V4}`,
    `OR [${V4}]`,
    `[${V4} OR]`,
    `[OR ${V4}]`,
    `[${V4} or ${V4}]`,
    `[${V4}, ${V4}]`,
    `[${V4} FOLLOWEDBY ${V4}]`,
    `[${V4} OR () ]`,
    `[NOT ${V4}]`,
    `[NOT (${V4})]`,
    `[${V4}] NOT`,
    `[${V4} NOT]`,
    '[ipv4-addr:value = 45.66.64.1]',
    '[ipv4-addr:value = "45.66.64.1"]',
    "[ipv4-addr:value = '45.66.64.1]",
    "[ipv4-addr:value = 45.66.64.1']",
    "[ipv4-addr:value = '45.66.64.1\\n']",
    "[ipv4-addr:value = '45.66.64.1'']",
    "[ipv4-addr:value === '45.66.64.1']",
    "[ipv4-addr:value =! '45.66.64.1']",
    "[ipv4-addr:value '45.66.64.1']",
    "[ipv4-addr:value = ('45.66.64.1')]",
    "[ipv4-addr:value = NOT '45.66.64.1']",
    '[ipv4-addr:value =]',
    '[ipv4-addr:value]',
    "[ipv4-addr = '45.66.64.1']",
    "[ipv4-addr:value: = '45.66.64.1']",
    "[ipv4-addr:.value = '45.66.64.1']",
    "[ipv4-addr:value. = '45.66.64.1']",
    "[ipv4-addr.value = '45.66.64.1']",
    "[:value = '45.66.64.1']",
    "['ipv4-addr':value = '45.66.64.1']",
    "[ipv4-addr:IN = '45.66.64.1']",
    "[ipv4-addr:value[] = '45.66.64.1']",
    "[ipv4-addr:value[x] = '45.66.64.1']",
    "[ipv4-addr:value[1.5] = '45.66.64.1']",
    "[ipv4-addr:value[* = '45.66.64.1']",
    "[ipv4-addr:value IN '45.66.64.1']",
    "[ipv4-addr:value IN ('45.66.64.1',)]",
    "[ipv4-addr:value IN (,'45.66.64.1')]",
    "[ipv4-addr:value IN ('45.66.64.1' '45.66.64.2')]",
    "[ipv4-addr:value IN ('45.66.64.1']",
    "[ipv4-addr:value IN (('45.66.64.1'))]",
    '[ipv4-addr:value ISSUBSET 45]',
    "[ipv4-addr:value LIKE ('a')]",
    '[EXISTS]',
    '[EXISTS NOT file:a]',
    `[EXISTS ${V4}]`,
    '[file:a > true]',
    '[file:a = 007]',
    '[file:a = 1.]',
    '[file:a = - 1]',
    '[file:a = TRUE]',
    "[file:a = h'0']",
    "[file:a = h'0g']",
    "[file:a = b'aGk']",
    "[file:a = b'a=k=']",
    "[file:a = x'00']",
    "[file:a = t '2026-08-23T00:00:00Z']",
    "[file:a = t'2026-08-23T00:00:00']",
    "[file:a = t'2026-02-30T00:00:00Z']",
    "[file:a = t'2026-08-23 00:00:00Z']",
    `[${V4} /* ]`,
    `[${V4}] /* x`,
    `[${V4} / ]`,
    `'['${V4}]`,
    `[${V4} ']'`,
    "[ipv4-addr':'value = '45.66.64.1']",
    "[ipv4-addr:value 'IN' ('45.66.64.1')]",
    `[${V4} 'OR' ${V4}]`,
    `[${V4} # ]`,
    `[${V4}] REPEATS`,
    `[${V4}] REPEATS TIMES`,
    `[${V4}] REPEATS 1.5 TIMES`,
    `[${V4}] REPEATS -1 TIMES`,
    `[${V4}] REPEATS 5`,
    `[${V4}] REPEATS 5 SECONDS`,
    `[${V4}] OR [${V4}] REPEATS`,
    `[${V4}] OR [${V4}] START`,
    `[${V4}] WITHIN -1 SECONDS`,
    `[${V4}] WITHIN 5`,
    `[${V4}] WITHIN 5 TIMES`,
    `[${V4}] WITHIN '5' SECONDS`,
    `[${V4}] START`,
    `[${V4}] START t'2020-01-01T00:00:00Z'`,
    `[${V4}] START t'2020-01-01T00:00:00Z' STOP`,
    `[${V4}] STOP t'2020-01-01T00:00:00Z'`,
    `[${V4}] START 1 STOP 2`,
    `[${V4} REPEATS 5 TIMES]`,
  ]) {
    it(`lists nothing: ${JSON.stringify(pattern)}`, () => {
      assert.deepEqual(readPattern(pattern).alternatives, []);
      assert.deepEqual(reasons(pattern), ['badPattern']);
    });
  }
});

describe('the terms of a pattern', () => {
  for (const [what, pattern, expected] of [
    [
      'several addresses are one alternative',
      `[${V4} OR ipv4-addr:value = '45.66.64.2'] OR [ipv6-addr:value = '2A06:E480:0::1']`,
      '45.66.64.1/32 45.66.64.2/32 2a06:e480::1/128',
    ],
    [
      'the same address twice is one',
      `[${V4} OR ipv4-addr:value IN ('45.66.64.1', '45.66.64.7/24', '45.66.64.0/24')]`,
      '45.66.64.1/32 45.66.64.0/24',
    ],
    [
      'addresses stand in the order of the pattern',
      `[${V4} OR (ipv4-addr:value = '45.66.64.2' OR ipv4-addr:value = '45.66.64.3')]`,
      '45.66.64.1/32 45.66.64.2/32 45.66.64.3/32',
    ],
    ['an end of the connection stays', `[${DST}]`, '45.66.64.1/32 (dst)'],
    ['either end is no limit', `[${DST} OR ${SRC}]`, V4_NET],
    ['either end by two observations', `[${DST}] OR [${SRC}]`, V4_NET],
    ['an address object says either end', `[${DST} OR ${V4}]`, V4_NET],
    [
      'either end for one address of two',
      `[${DST} OR network-traffic:dst_ref.value = '45.66.64.2' OR ${SRC}]`,
      '45.66.64.1/32; 45.66.64.2/32 (dst)',
    ],
    [
      'either end with the same port at the address',
      `[${DST} AND network-traffic:dst_port = 443 OR ${SRC} AND network-traffic:src_port = 443]`,
      '45.66.64.1/32 (443)',
    ],
    [
      'either end with other ports are two',
      `[${DST} AND network-traffic:dst_port = 443 OR ${SRC} AND network-traffic:src_port = 80]`,
      '45.66.64.1/32 (dst 443); 45.66.64.1/32 (src 80)',
    ],
    [
      'ports in order, once',
      `[network-traffic:dst_port IN (443, '80', +443, 80) AND ${DST}]`,
      '45.66.64.1/32 (dst 80,443)',
    ],
    [
      'ports in an OR',
      `[(network-traffic:dst_port = 443 OR network-traffic:dst_port = 80) AND ${DST}]`,
      '45.66.64.1/32 (dst 443); 45.66.64.1/32 (dst 80)',
    ],
    [
      'ports that both tests allow',
      `[network-traffic:dst_port IN (1, 2, 3) AND ${DST} AND network-traffic:dst_port IN (2, 3, 4)]`,
      '45.66.64.1/32 (dst 2,3)',
    ],
    [
      'port 0 and 65535',
      `[network-traffic:dst_port IN (0, 65535) AND ${DST}]`,
      '45.66.64.1/32 (dst 0,65535)',
    ],
    [
      'port and protocol',
      `[${DST} AND network-traffic:dst_port = 53 AND network-traffic:protocols[0] = 'UDP']`,
      '45.66.64.1/32 (dst 53 udp)',
    ],
    [
      'one of two protocols',
      `[${DST} AND network-traffic:protocols[*] IN ('tcp', 'udp', 'http')]`,
      '45.66.64.1/32 (dst tcp); 45.66.64.1/32 (dst udp); -unsupportedPattern http',
    ],
    [
      'the family as protocol',
      `[${DST} AND network-traffic:protocols[*] = 'ipv4']`,
      '45.66.64.1/32 (dst)',
    ],
    [
      'the type of the end',
      `[network-traffic:dst_ref.type IN ('ipv4-addr', 'ipv6-addr') AND ${DST}]`,
      '45.66.64.1/32 (dst)',
    ],
    [
      'the type as it is written, of a mapped address',
      "[network-traffic:dst_ref.type = 'ipv6-addr' AND network-traffic:dst_ref.value = '::ffff:45.66.64.1']",
      '45.66.64.1/32 (dst)',
    ],
    [
      'the addresses of the type',
      `[network-traffic:src_ref.type = 'ipv6-addr' AND network-traffic:dst_ref.value IN ('45.66.64.1', '2a06:e480::1')]`,
      '2a06:e480::1/128 (dst)',
    ],
    [
      'an intersection',
      `[ipv4-addr:value ISSUBSET '0.0.0.0/0' AND ipv4-addr:value IN ('45.66.64.1', '45.66.64.9') AND ipv4-addr:value ISSUBSET '45.66.64.0/29']`,
      V4_NET,
    ],
    ['a superset of one address', "[ipv4-addr:value ISSUPERSET '45.66.64.1/32']", V4_NET],
  ] as const) {
    it(what, () => assert.equal(outcome(pattern), expected));
  }
});

describe('what is refused of a pattern', () => {
  for (const [what, pattern, expected] of [
    [
      'names and hashes beside an address',
      `[domain-name:value = 'c2.example.com' OR url:value = 'http://45.66.64.1/' OR file:hashes.MD5 = 'aa' OR ${V4}]`,
      "45.66.64.1/32; -domain domain-name:value = 'c2.example.com'; -url url:value = 'http://45.66.64.1/'; -noAddress file:hashes.MD5 = 'aa'",
    ],
    [
      'a hash that must hold too',
      `[${V4} AND file:name = 'a']`,
      "-unsupportedPattern file:name = 'a'",
    ],
    [
      'a name that must hold too',
      `[domain-name:value = 'c2.example.com' AND ${DST}]`,
      "-unsupportedPattern domain-name:value = 'c2.example.com'",
    ],
    [
      'the name of an end',
      "[network-traffic:dst_ref.type = 'domain-name' AND network-traffic:dst_ref.value = 'c2.example.com']",
      '-domain domain-name',
    ],
    [
      'a name for an end, with a port',
      "[network-traffic:dst_port = 443 AND network-traffic:dst_ref.value = 'c2.example.com']",
      '-domain c2.example.com',
    ],
    [
      'an address in both ways to write it',
      `[${DST} AND network-traffic:dst_ref.value = '::ffff:45.66.64.1']`,
      `-unsupportedPattern ${DST} AND network-traffic:dst_ref.value =`,
    ],
    [
      'an address of the other family than the protocol',
      `[${DST} AND network-traffic:protocols[0] = 'ipv6']`,
      `-unsupportedPattern ${DST} AND network-traffic:protocols[0]`,
    ],
    [
      'an IPv6 address over IPv4',
      "[network-traffic:dst_ref.value = '2a06:e480::1' AND network-traffic:protocols[0] = 'ipv4']",
      "-unsupportedPattern network-traffic:dst_ref.value = '2a06:e480::1' AND network-traffic:proto",
    ],
    [
      'a text with escapes, as it is meant',
      "[ipv4-addr:value = 'it\\'s \\\\ 45.66.64.1']",
      "-notAnAddress it's \\ 45.66.64.1",
    ],
    [
      'a name and an address as two observations',
      `[domain-name:value = 'c2.example.com'] AND [${V4}]`,
      `-unsupportedPattern [domain-name:value = 'c2.example.com'] AND [${V4}]`,
    ],
    [
      'a name for an end',
      "[network-traffic:dst_ref.value = 'c2.example.com']",
      '-domain c2.example.com',
    ],
    [
      'a name for an address',
      "[ipv4-addr:value = 'c2.example.com']",
      '-notAnAddress c2.example.com',
    ],
    [
      'the bad one of a set',
      "[ipv4-addr:value IN ('45.66.64', '45.66.64.1', 5)]",
      '45.66.64.1/32; -notAnAddress 45.66.64; -badPattern 5',
    ],
    ['a number as address', '[ipv4-addr:value = 45]', '-badPattern 45'],
    [
      'a private one of two',
      `[ipv4-addr:value IN ('10.1.2.3', '45.66.64.1')]`,
      '45.66.64.1/32; -bogon 10.1.2.3',
    ],
    [
      'a broad one of two',
      `[ipv4-addr:value ISSUBSET '64.0.0.0/3' OR ${V4}]`,
      '45.66.64.1/32; -tooBroad 64.0.0.0/3',
    ],
    [
      'a private one with a port',
      `[network-traffic:dst_ref.value = '10.1.2.3' AND network-traffic:dst_port = 1]`,
      '-bogon 10.1.2.3',
    ],
    [
      'wrong families',
      "[ipv4-addr:value = '2a06:e480::1' OR ipv6-addr:value = '45.66.64.1']",
      '-notAnAddress 2a06:e480::1; -notAnAddress 45.66.64.1',
    ],
    ['an empty set', '[ipv4-addr:value IN ()]', '-unsupportedPattern ipv4-addr:value IN ()'],
    [
      'a superset of many',
      "[ipv4-addr:value ISSUPERSET '45.66.64.0/24']",
      '-unsupportedPattern 45.66.64.0/24',
    ],
    [
      'a property in quotes with a dot',
      "[network-traffic:'dst_ref.value' = '45.66.64.1']",
      "-unsupportedPattern network-traffic:'dst_ref.value' = '45.66.64.1'",
    ],
    [
      'another property',
      "[ipv4-addr:values = '45.66.64.1']",
      "-unsupportedPattern ipv4-addr:values = '45.66.64.1'",
    ],
    [
      'an element of a text',
      "[ipv4-addr:value[0] = '45.66.64.1']",
      "-unsupportedPattern ipv4-addr:value[0] = '45.66.64.1'",
    ],
    [
      'a port alone',
      '[network-traffic:dst_port = 443]',
      '-noAddress network-traffic:dst_port = 443',
    ],
    [
      'a type alone',
      "[network-traffic:dst_ref.type = 'ipv4-addr']",
      "-noAddress network-traffic:dst_ref.type = 'ipv4-addr'",
    ],
    [
      'the type of a machine',
      `[${DST} AND network-traffic:src_ref.type = 'mac-addr']`,
      '-unsupportedPattern mac-addr',
    ],
    [
      'a port of the other end',
      `[${DST} AND network-traffic:src_port = 443]`,
      `-unsupportedPattern ${DST} AND network-traffic:src_port = 443`,
    ],
    [
      'no port',
      `[${DST} AND network-traffic:dst_port IN (65536, -1, 1.5, 'http', '', '0x50')]`,
      '-badPort 65536; -badPort -1; -badPort 1.5; -badPort http; -badPort ; -badPort 0x50',
    ],
    [
      'ports from one on',
      `[${DST} AND network-traffic:dst_port > 1024]`,
      '-unsupportedPattern network-traffic:dst_port > 1024',
    ],
    [
      'two ports at once',
      `[${DST} AND network-traffic:dst_port = 1 AND network-traffic:dst_port = 2]`,
      `-unsupportedPattern ${DST} AND network-traffic:dst_port =`,
    ],
    [
      'two protocols at once',
      `[${DST} AND network-traffic:protocols[0] = 'tcp' AND network-traffic:protocols[1] = 'udp']`,
      `-unsupportedPattern ${DST} AND network-traffic:protocols[0]`,
    ],
    [
      'a place from the end',
      `[${DST} AND network-traffic:protocols[-1] = 'tcp']`,
      "-unsupportedPattern network-traffic:protocols[-1] = 'tcp'",
    ],
    [
      'a list as a text',
      `[${DST} AND network-traffic:protocols = 'tcp']`,
      "-unsupportedPattern network-traffic:protocols = 'tcp'",
    ],
    [
      'a pair',
      `[${SRC} AND ${DST}]`,
      `-unsupportedPattern ${SRC} AND network-traffic:dst_ref.value =`,
    ],
    ['two objects', `[${V4} AND ${DST}]`, `-unsupportedPattern ${V4} AND ${DST}`],
    [
      'two address objects',
      `[${V4} AND ipv6-addr:value = '::ffff:45.66.64.1']`,
      `-unsupportedPattern ${V4} AND ipv6-addr:value = '::ffff:45.66.64.1'`,
    ],
    [
      'a part that is never true',
      `[${V4} OR ${V4} AND ipv4-addr:value = '45.66.64.2']`,
      `45.66.64.1/32; -unsupportedPattern ${V4} AND ipv4-addr:value = '45.66.64.2'`,
    ],
    [
      'a sequence, whole',
      `[${V4}] OR [${V4}] FOLLOWEDBY [${V4}]`,
      `-unsupportedPattern [${V4}] OR [${V4}] FOL`,
    ],
    [
      'a sequence in an OR',
      `[${V4}] OR ([${DST}] FOLLOWEDBY [${V4}])`,
      `45.66.64.1/32; -unsupportedPattern ([${DST}] FOLLOWEDBY [ipv4-addr:va`,
    ],
    [
      'two observations in an OR',
      `[${DST}] AND [file:a = 1] OR [${V4}]`,
      `45.66.64.1/32; -unsupportedPattern [${DST}] AND [file:a = 1]`,
    ],
    [
      'a qualifier on one of two',
      `[${DST}] REPEATS 2 TIMES OR [${V4}]`,
      `45.66.64.1/32; -unsupportedPattern [${DST}] REPEATS 2 TIMES`,
    ],
    [
      'a qualifier on both',
      `([${DST}] OR [${V4}]) WITHIN 1 SECONDS`,
      `-unsupportedPattern ([${DST}] OR [ipv4-addr:value = '45.6`,
    ],
  ] as const) {
    // Text is cut after 80 characters of the pattern.
    it(what, () => {
      const found = outcome(pattern);
      if (expected.length > 80) assert.equal(found.slice(0, expected.length), expected);
      else assert.equal(found, expected);
    });
  }

  it('is told in the order of the pattern', () => {
    const pattern = `[file:a = 1 OR ipv4-addr:value = '10.0.0.1' OR (url:value = 'a' OR domain-name:value = 'b')]`;
    assert.deepEqual(reasons(pattern), ['noAddress', 'bogon', 'url', 'domain']);
  });

  it('is shown as printable ASCII', () => {
    assert.equal(outcome("[ipv4-addr:value = 'é\n‮']"), '-notAnAddress \\xe9\\x0a\\u202e');
  });
});

describe('a hostile pattern', () => {
  const depth = 100_000;
  it('of 100,000 parentheses is read', () => {
    const tests = `[${'('.repeat(depth)}${V4}${')'.repeat(depth)}]`;
    const observations = `${'('.repeat(depth)}[${V4}]${')'.repeat(depth)}`;
    assert.equal(outcome(tests), V4_NET);
    assert.equal(outcome(observations), V4_NET);
    assert.deepEqual(reasons('('.repeat(depth)), ['badPattern']);
    assert.deepEqual(reasons(`[${'('.repeat(depth)}`), ['badPattern']);
  });

  it('of 100,000 terms is read', () => {
    const terms = Array<string>(depth - 1)
      .fill('a:b=1')
      .join(' OR ');
    assert.equal(reasons(`[${terms}]`).length, depth - 1);
    const nested = `[${'a:b=1 OR ('.repeat(80_000)}${V4}${')'.repeat(80_000)}]`;
    assert.equal(readPattern(nested).alternatives.length, 1);
    assert.equal(readPattern(nested).refused.length, 80_000);
  });

  it('of 80,000 bogons in a set is read', () => {
    const set = Array<string>(80_000).fill("'10.0.0.1'").join();
    assert.equal(reasons(`[ipv4-addr:value IN (${set})]`).length, 80_000);
  });

  it('over the limit is refused whole', () => {
    const fill = MAX_PATTERN_LENGTH - V4.length - 2;
    assert.equal(outcome(`[${V4}${' '.repeat(fill)}]`), V4_NET);
    assert.deepEqual(reasons(`[${V4}${' '.repeat(fill + 1)}]`), ['tooLong']);
  });

  it('has no more alternatives than its length allows, and keeps its other terms', () => {
    const pair = "(ipv4-addr:value = '45.66.64.2' OR ipv4-addr:value ISSUBSET '45.66.64.2/31')";
    const tower = Array<string>(60).fill(pair).join(' AND ');
    const found = outcome(`[${V4} OR ${tower}]`);
    assert.equal(found, `45.66.64.1/32; -unsupportedPattern ${tower.slice(0, 80)}`);
    const set = ADDRESSES.flatMap((a) => Array<string>(100).fill(`'${a}'`)).join();
    const sets = `[ipv4-addr:value IN (${set}) AND ipv4-addr:value IN (${set})]`;
    assert.deepEqual(reasons(sets), ['unsupportedPattern']);
  });

  it('has 100 addresses times 100 ports if it says so', () => {
    const address = ADDRESSES.map((a) => `network-traffic:dst_ref.value = '${a}'`).join(' OR ');
    const port = ADDRESSES.map((_, i) => `network-traffic:dst_port = ${i}`).join(' OR ');
    const { alternatives, refused } = readPattern(`[(${address}) AND (${port})]`);
    assert.deepEqual(refused, []);
    assert.equal(alternatives.length, 100);
    assert.ok(alternatives.every(({ nets }) => nets.length === 100));
  });
});
