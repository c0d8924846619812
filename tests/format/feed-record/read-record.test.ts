import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { formatPrefix } from '../../../shared/domain/address/prefix.ts';
import type { AcceptedEntry, FeedEntry } from '../../../shared/domain/indicator/feed-entry.ts';
import type { IndicatorDetail } from '../../../shared/domain/indicator/indicator.ts';
import { formatInstant, parseInstant } from '../../../shared/domain/time/instant.ts';
import { columnsOf } from '../../../shared/format/feed-record/columns.ts';
import { readRecord } from '../../../shared/format/feed-record/read-record.ts';

// Public addresses: a reader refuses those for documentation.

type Row = Readonly<Record<string, unknown>>;

function read(row: Row): FeedEntry {
  const cells = Object.values(row);
  return readRecord((column) => cells[column], columnsOf(Object.keys(row))!, 7);
}

function accepted(row: Row): AcceptedEntry {
  const entry = read({ ip: '45.66.64.1', ...row });
  assert.equal(entry.kind, 'indicator', JSON.stringify(entry));
  return entry;
}

function detail(row: Row): IndicatorDetail {
  return accepted({ id: 'x', ...row }).detail!;
}

function outcome(row: Row): string {
  const entry = read({ ip: '45.66.64.1', ...row });
  if (entry.kind === 'refused') return entry.reason;
  const ports = entry.detail?.constraint?.ports;
  return entry.nets.map(formatPrefix).join(' ') + (ports ? ` port ${ports.join(' ')}` : '');
}

describe('the value of a record', () => {
  for (const [ip, expected] of [
    ['45.66.64.1', '45.66.64.1/32'],
    [' 45.66.64.1\t', '45.66.64.1/32'],
    ['45.66.64.7/24', '45.66.64.0/24'],
    ['2A06:E480::5', '2a06:e480::5/128'],
    ['45[.]66[.]64[.]1', '45.66.64.1/32'],
    ['45.66.64.1:443', '45.66.64.1/32 port 443'],
    ['[2a06:e480::5]:443', '2a06:e480::5/128 port 443'],
    ['45.66.64.2-45.66.64.5', '45.66.64.2/31 45.66.64.4/31'],
    ['45.66.64.5-45.66.64.2', 'range'],
    ['45.66.64.1,45.66.64.2', 'ambiguous'],
    ['45.66.64.1;45.66.64.2', 'ambiguous'],
    ['45.66.64.1; a note', '45.66.64.1/32'],
    ['45.66.64', 'notAnAddress'],
    ['010.020.030.040', 'notAnAddress'],
    ['10.0.0.1', 'bogon'],
    ['8.0.0.0/5', 'tooBroad'],
    ['evil[.]example[.]com', 'domain'],
    ['http://45.66.64.1/', 'url'],
    ['\u00a045.66.64.1', 'encoding'],
    ['45.66.64.1\n45.66.64.2', 'encoding'],
    ['1'.repeat(4097), 'tooLong'],
    ['', 'malformed'],
    ['  ', 'malformed'],
    [undefined, 'malformed'],
    [null, 'malformed'],
    [{ ip: '45.66.64.1' }, 'malformed'],
    [['45.66.64.1'], 'malformed'],
    [759_316_481, 'notAnAddress'],
    [true, 'notAnAddress'],
  ] as const) {
    it(`${JSON.stringify(ip)?.slice(0, 40)} is ${expected}`, () => {
      assert.equal(outcome({ ip }), expected);
    });
  }

  it('is the best of several fields that hold one, and the first of them that is filled', () => {
    const row = { value: '45.66.64.1', observable_value: '45.66.64.2' };
    assert.equal(outcome({ ip: '', ...row }), '45.66.64.1/32');
    assert.equal(outcome({ ip: '', ...row, value: ' ' }), '45.66.64.2/32');
    assert.equal(outcome({ ip: '45.66.64.3', ...row }), '45.66.64.3/32');
    assert.equal(outcome({ ip: 'x', ...row }), 'notAnAddress');
  });

  it('is shown with its line and id where it is refused', () => {
    assert.deepEqual(read({ ip: '10.0.0.1\u202e', sblid: 'SBL1' }), {
      kind: 'refused',
      line: 7,
      id: 'SBL1',
      reason: 'encoding',
      text: '10.0.0.1\\u202e',
    });
  });
});

describe('the extent of a record', () => {
  /** As `outcome`, without a field of another name for the address. */
  function ranged(row: Row): string {
    const entry = read(row);
    return entry.kind === 'refused' ? entry.reason : entry.nets.map(formatPrefix).join(' ');
  }

  for (const [start, end, expected] of [
    ['45.66.64.0', '45.66.64.255', '45.66.64.0/24'],
    ['45.66.64.2', '45.66.64.5', '45.66.64.2/31 45.66.64.4/31'],
    ['45.66.64.2', '45.66.64.2', '45.66.64.2/32'],
    ['2a06:e480::', '2a06:e480::ff', '2a06:e480::/120'],
    ['45[.]66[.]64[.]0', '45[.]66[.]64[.]255', '45.66.64.0/24'],
    ['45.66.64.5', '45.66.64.2', 'range'],
    ['45.66.64.5', '2a06:e480::', 'range'],
    ['45.66.64.5', '', 'range'],
    ['45.66.64.5', '45.66.64', 'range'],
    ['45.66.64.5', '45.66.64.9 x', 'range'],
    ['45.66.64.5', '2026-08-01', 'range'],
    ['45.0.0.0', '52.0.0.0', 'tooBroad'],
    ['45.66.64.0/25', '45.66.64.255', '45.66.64.0/25'],
    ['', '45.66.64.255', 'malformed'],
    ['x', '45.66.64.255', 'notAnAddress'],
  ] as const) {
    it(`from ${start} to ${end} is ${expected}`, () => {
      assert.equal(ranged({ start_ip: start, end_ip: end }), expected);
      assert.equal(ranged({ end: end, start: start }), expected);
    });
  }

  for (const [value, mask, expected] of [
    ['45.66.64.0', '24', '45.66.64.0/24'],
    ['45.66.64.0', 24, '45.66.64.0/24'],
    ['45.66.64.0', '/24', '45.66.64.0/24'],
    ['45.66.64.7', '255.255.255.0', '45.66.64.0/24'],
    ['2a06:e480::', '64', '2a06:e480::/64'],
    ['45.66.64.0', '', '45.66.64.0/32'],
    ['45.66.64.0', null, '45.66.64.0/32'],
    ['45.66.64.0', '33', 'notAnAddress'],
    ['45.66.64.0', '0.0.0.255', 'notAnAddress'],
    ['45.66.64.0', 'wide', 'notAnAddress'],
    ['45.66.64.0', '24/24', 'notAnAddress'],
    ['45.66.64.0', '4', 'tooBroad'],
    ['45.66.64.0/25', '24', '45.66.64.0/25'],
    ['45.66.64.0-45.66.64.1', '24', '45.66.64.0/31'],
    ['45.66.64.0:80', '24', '45.66.64.0/32 port 80'],
  ] as const) {
    it(`of ${value} with the mask ${String(mask)} is ${expected}`, () => {
      assert.equal(outcome({ ip: value, netmask: mask }), expected);
      assert.equal(outcome({ prefix_length: mask, ip: value }), expected);
    });
  }

  it('is told by the end where both are there, by the mask where only that is filled', () => {
    const start = '45.66.64.0';
    assert.equal(ranged({ start, end: '45.66.64.127', netmask: 24 }), '45.66.64.0/25');
    assert.equal(ranged({ start, end: '', netmask: 24 }), '45.66.64.0/24');
    assert.equal(ranged({ start, end: 'x', netmask: 24 }), 'range');
    assert.equal(ranged({ start_ip: start, netmask: 24 }), '45.66.64.0/24');
  });

  it('is nothing that the fields of another address tell', () => {
    assert.equal(
      outcome({ ip: '45.66.64.1', start_ip: '45.66.64.0', end_ip: '45.66.64.9' }),
      '45.66.64.1/32',
    );
    assert.equal(
      outcome({ ip: '45.66.64.1', start: '2026-08-01', end: '2026-08-02' }),
      '45.66.64.1/32',
    );
  });
});

describe('the type of a record', () => {
  for (const [type, expected] of [
    ['domain', 'domain'],
    ['Domain-Name', 'domain'],
    ['hostname', 'domain'],
    ['FQDN', 'domain'],
    ['url', 'url'],
    ['URI', 'url'],
    ['md5', 'noAddress'],
    ['md5_hash', 'noAddress'],
    ['SHA-256', 'noAddress'],
    ['sha1', 'noAddress'],
    ['FileHash-SHA256', 'noAddress'],
    ['telfhash', 'noAddress'],
    ['email', 'noAddress'],
    ['Email-Addr', 'noAddress'],
    ['StixFile', 'noAddress'],
    ['Autonomous-System', 'noAddress'],
    ['CVE', 'noAddress'],
    ['ip', '45.66.64.1/32'],
    ['IPv4', '45.66.64.1/32'],
    ['ipv6', '45.66.64.1/32'],
    ['ip:port', '45.66.64.1/32'],
    ['IPv4-Addr', '45.66.64.1/32'],
    ['cidr', '45.66.64.1/32'],
    ['', '45.66.64.1/32'],
    ['botnet', '45.66.64.1/32'],
    ['md5x', '45.66.64.1/32'],
    ['xmd5', '45.66.64.1/32'],
    ['voicemail', '45.66.64.1/32'],
    ['constructor', '45.66.64.1/32'],
    ['domain'.repeat(100), '45.66.64.1/32'],
    [null, '45.66.64.1/32'],
  ] as const) {
    it(`${String(type).slice(0, 40)} makes it ${expected}`, () => {
      assert.equal(outcome({ type }), expected);
    });
  }
});

describe('the type of a record of MISP', () => {
  for (const [type, value, ports, direction] of [
    ['ip-dst', '45.66.64.1', null, 'destination'],
    ['ip-src', '45.66.64.1', null, 'source'],
    ['IP-DST|PORT', '45.66.64.1|443', [443], 'destination'],
    ['ip-src|port', '45[.]66[.]64[.]1|80', [80], 'source'],
  ] as const) {
    it(`${type} tells the end, and the port of ${value}`, () => {
      const { constraint } = accepted({ ip: value, type }).detail!;
      assert.deepEqual(constraint, { ports, direction, protocol: null });
    });
  }

  it('domain|ip has an address of which nothing more is known', () => {
    assert.equal(accepted({ ip: 'evil.example.com|45.66.64.1', type: 'domain|ip' }).detail, null);
  });

  for (const [type, ip, expected] of [
    ['ip-dst', '45.66.64.0/24', '45.66.64.0/24'],
    ['ip-dst', '45.66.64.1|443', 'notAnAddress'],
    ['ip-dst', '45.66.64.1, 45.66.64.2', 'notAnAddress'],
    ['ip-dst', '8.0.0.0/5', 'tooBroad'],
    ['ip-dst', '10.0.0.1', 'bogon'],
    ['ip-dst', '', 'malformed'],
    ['ip-dst|port', '45.66.64.1|0', 'badPort'],
    ['ip-dst|port', '45.66.64.1', 'badPort'],
    ['domain|ip', 'evil.example.com', 'notAnAddress'],
    ['ip-dst|ip', '45.66.64.1|443', 'notAnAddress'],
    ['ip', '45.66.64.1|443', 'notAnAddress'],
  ] as const) {
    it(`${type} makes ${ip} ${expected}`, () => assert.equal(outcome({ ip, type }), expected));
  }

  it('agrees with the field for the port, or one of them is wrong', () => {
    const value = { type: 'ip-dst|port', ip: '45.66.64.1|443' };
    assert.equal(outcome({ ...value, port: 443 }), '45.66.64.1/32 port 443');
    assert.equal(outcome({ ...value, port: 80 }), 'ambiguous');
    assert.deepEqual(accepted({ type: 'ip-dst', port: 80 }).detail!.constraint, {
      ports: [80],
      direction: 'destination',
      protocol: null,
    });
  });
});

describe('the protocol of a record', () => {
  const constraint = (row: Row) => detail(row).constraint;

  it('is kept if connections have it', () => {
    for (const [text, protocol] of [
      ['tcp', 'tcp'],
      [' UDP ', 'udp'],
      ['Icmp', 'icmp'],
    ] as const) {
      const expected = { ports: null, direction: null, protocol };
      assert.deepEqual(constraint({ protocol: text }), expected, text);
      assert.deepEqual(constraint({ proto: text, port: 53 }), { ...expected, ports: [53] }, text);
      assert.deepEqual(constraint({ transport: text, ip: '45.66.64.1:53' })?.protocol, protocol);
    }
  });

  it('is nothing to hold if it is another one', () => {
    for (const protocol of ['HTTP', 'tcp/udp', '6', 6, '', null, 'tcpx', 'constructor', ['tcp']]) {
      assert.equal(constraint({ protocol }), null, String(protocol));
    }
  });
});

describe('the port of a record', () => {
  for (const [port, expected] of [
    ['443', '45.66.64.1/32 port 443'],
    [443, '45.66.64.1/32 port 443'],
    [' 65535 ', '45.66.64.1/32 port 65535'],
    [[80, '443', 80], '45.66.64.1/32 port 80 443'],
    ['', '45.66.64.1/32'],
    ['0', '45.66.64.1/32'],
    [0, '45.66.64.1/32'],
    [null, '45.66.64.1/32'],
    [[], '45.66.64.1/32'],
    ['65536', 'badPort'],
    [-1, 'badPort'],
    ['443/tcp', 'badPort'],
    ['4e1', 'badPort'],
    [1.5, 'badPort'],
    ['http', 'badPort'],
    [true, 'badPort'],
    [[80, 'x'], 'badPort'],
    [Array(65).fill(80), 'badPort'],
  ] as const) {
    it(`${JSON.stringify(port).slice(0, 40)} makes it ${expected}`, () => {
      assert.equal(outcome({ port }), expected);
    });
  }

  it('is that of the destination before any other', () => {
    assert.equal(outcome({ port: 1, dst_port: 2 }), '45.66.64.1/32 port 2');
    assert.equal(outcome({ port: 1, dst_port: '' }), '45.66.64.1/32 port 1');
  });

  it('agrees with the one in the value, or one of them is wrong', () => {
    assert.equal(outcome({ ip: '45.66.64.1:80', port: 80 }), '45.66.64.1/32 port 80');
    assert.equal(outcome({ ip: '45.66.64.1:80', port: '' }), '45.66.64.1/32 port 80');
    assert.equal(outcome({ ip: '45.66.64.1:80', port: 81 }), 'ambiguous');
  });
});

describe('the standing of a record', () => {
  it('is context if its source classes it as no threat', () => {
    for (const name of [
      'legitimate',
      'benign',
      'clean',
      'allowlist',
      'whitelist',
      'safe',
      'trusted',
      'whitelisted',
      'allowlisted',
      'false positive',
      'false_positive',
      'False-Positive',
      'falsepositive',
      'known good',
    ]) {
      assert.equal(accepted({ classification: name }).standing, 'context', name);
      assert.equal(accepted({ category: ` ${name.toUpperCase()} ` }).standing, 'context', name);
    }
    assert.equal(accepted({ classification: 'other', threat_type: 'benign' }).standing, 'context');
  });

  it('is listed for every other class', () => {
    for (const classification of [
      'malware',
      'other',
      'suspicious',
      'unsafe',
      '',
      'not clean',
      'false',
      'positive',
      'known',
      'benign?',
      `safe${' '.repeat(100)}x`,
      `safe${'_'.repeat(100)}`,
      null,
      'constructor',
    ]) {
      assert.equal(accepted({ classification }).standing, 'listed', String(classification));
    }
    assert.equal(accepted({ tags: 'benign' }).standing, 'listed');
    assert.equal(accepted({}).standing, 'listed');
  });

  it('is context if it is not meant for detection', () => {
    for (const to_ids of [false, 'false', 'False', 0, '0', 'no', 'NO']) {
      assert.equal(accepted({ to_ids }).standing, 'context', String(to_ids));
    }
    for (const to_ids of [
      true,
      'true',
      1,
      '1',
      'yes',
      '',
      null,
      undefined,
      'none',
      '00',
      [false],
    ]) {
      assert.equal(accepted({ to_ids }).standing, 'listed', String(to_ids));
    }
    assert.equal(accepted({ to_ids: '0', deleted: '1' }).standing, 'revoked');
  });

  it('is revoked if it says so, whatever its class', () => {
    for (const revoked of [true, 'true', 'TRUE', '1', 1]) {
      assert.equal(accepted({ revoked, category: 'benign' }).standing, 'revoked', String(revoked));
    }
    for (const revoked of [false, 'false', '0', 0, '', null, 'no', 'nope', 'maybe', [true]]) {
      assert.equal(accepted({ revoked }).standing, 'listed', String(revoked));
    }
    assert.equal(accepted({ revoked: 'false', deleted: 'true' }).standing, 'revoked');
  });
});

describe('the validity of a record', () => {
  const span = (row: Row) => {
    const { validFrom, validUntil } = detail(row);
    return [validFrom, validUntil];
  };

  it('is what it says, in any of the forms of real feeds', () => {
    const noon = '2026-08-01T12:00:00.000Z';
    for (const text of [
      '2026-08-01T12:00:00Z',
      '2026-08-01 12:00:00',
      '2026-08-01 12:00:00 UTC',
      '2026-08-01T14:00:00+02:00',
      '2026-08-01T12:00:00.000999Z',
      1_785_585_600,
      '1785585600',
      1_785_585_600_000,
    ]) {
      assert.deepEqual(span({ valid_from: text }), [noon, null], String(text));
      assert.deepEqual(span({ expiration: text }), [null, noon], String(text));
    }
    assert.deepEqual(span({ valid_until: '9999-12-31' }), [null, '9999-12-31T00:00:00.000Z']);
  });

  it('is open where nothing is said', () => {
    for (const expires of ['', '-', 'never', 'None', 'NULL', 'n/a', null]) {
      assert.deepEqual(span({ expires }), [null, null], String(expires));
    }
  });

  it('refuses the record if a bound does not read or no time is left: it must not hold for ever', () => {
    for (const expires of [
      'soon',
      '1785585600000 or so',
      '2026-08-01 UTC or so',
      '2026-13-01',
      '08/01/2026',
      '0',
      7,
      true,
      '99999-01-01',
      'x'.repeat(100_000),
    ]) {
      assert.equal(outcome({ expires }), 'badValidity', String(expires).slice(0, 40));
      assert.equal(outcome({ valid_from: expires }), 'badValidity', String(expires).slice(0, 40));
    }
    assert.equal(outcome({ valid_from: '2026-08-01', valid_until: '2026-08-01' }), 'badValidity');
    assert.equal(outcome({ valid_from: '2026-08-02', valid_until: '2026-08-01' }), 'badValidity');
  });

  it('is not when it was seen', () => {
    const seen = { first_seen: '2019-01-01', last_seen: '2019-01-02', last_online: '2019-01-02' };
    assert.equal(accepted(seen).detail, null);
  });

  it('agrees with the instants it was made of', () => {
    const instant = fc.integer({ min: 0, max: 4_000_000_000_000 });
    fc.assert(
      fc.property(instant, instant, (from, until) => {
        const row = { valid_from: formatInstant(from), valid_until: formatInstant(until) };
        if (from >= until) assert.equal(outcome(row), 'badValidity');
        else
          assert.deepEqual(
            span(row).map((text) => parseInstant(text!)),
            [from, until],
          );
      }),
    );
  });
});

describe('the detail of a record', () => {
  it('is null if nothing is said beside the address', () => {
    assert.equal(accepted({}).detail, null);
    assert.equal(
      accepted({ id: '', port: '0', tags: '[]', tlp: 'x', score: 'high', source: ' ' }).detail,
      null,
    );
  });

  it('holds everything that is said', () => {
    const row = {
      id: 17,
      reporter: 'someone',
      confidence_level: '75',
      tags: 'a, b',
      tlp: 'TLP:GREEN',
      port: 80,
      valid_from: '2026-08-01',
      expires: '2026-09-01',
    };
    assert.deepEqual(accepted(row).detail, {
      id: '17',
      sources: ['someone'],
      confidence: 75,
      labels: ['a', 'b'],
      tlp: 'green',
      constraint: { ports: [80], direction: null, protocol: null },
      validFrom: '2026-08-01T00:00:00.000Z',
      validUntil: '2026-09-01T00:00:00.000Z',
      listedSince: null,
    });
  });

  it('has a confidence of 0 to 100, and no guess at other scales', () => {
    for (const [score, expected] of [
      ['0', 0],
      [100, 100],
      ['50.0', 50],
      ['101', null],
      ['-1', null],
      ['0.9', null],
      ['1e1', null],
      ['0x10', null],
      ['high', null],
      ['', null],
    ] as const) {
      assert.equal(detail({ score }).confidence, expected, String(score));
    }
  });

  it('has the strictest of its markings', () => {
    assert.equal(detail({ objectMarking: 'TLP:CLEAR' }).tlp, 'clear');
    assert.equal(
      detail({ objectMarking: 'PAP:RED, TLP:GREEN,TLP:AMBER+STRICT' }).tlp,
      'amber+strict',
    );
    assert.equal(detail({ marking: 'internal' }).tlp, null);
  });

  it('has labels of words, lists and lists in brackets, each once', () => {
    for (const [tags, expected] of [
      ['busybox', ['busybox']],
      ['[credential stuffing]', ['credential stuffing']],
      ['[worm|crypto|worm]', ['worm', 'crypto']],
      ['apt,html smuggling; x', ['apt', 'html smuggling', 'x']],
      [
        ['a', 'b,c', 7, null, ['d'], {}],
        ['a', 'b', 'c', '7'],
      ],
      ['', []],
      [{}, []],
    ] as const) {
      assert.deepEqual(detail({ tags }).labels, expected, JSON.stringify(tags));
    }
  });

  it('has the class and the kind of threat among its labels', () => {
    const { labels } = detail({
      malware: 'Dridex',
      category: 'botnet node',
      detail: 'c2',
      threat_type: 'cc',
    });
    assert.deepEqual(labels, ['botnet node', 'cc', 'Dridex', 'c2']);
  });

  it('is bounded, however much a feed says', () => {
    const { labels, sources } = detail({ tags: 'abc,'.repeat(500_000), source: 'y'.repeat(1e6) });
    assert.deepEqual(labels, ['abc']);
    assert.deepEqual(sources, ['y'.repeat(64)]);
    const many = Array.from({ length: 10_000 }, (_, i) => `${i} ${'x'.repeat(100)}`);
    assert.equal(detail({ tags: many }).labels.length, 16);
  });

  it('has an id as a whole or not at all', () => {
    assert.equal(detail({ id: 'i'.repeat(128) }).id, 'i'.repeat(128));
    assert.equal(accepted({ id: 'i'.repeat(129) }).detail, null);
  });
});

describe('any record', () => {
  it('is accepted or refused, whatever its fields hold', () => {
    const name = fc.constantFrom(
      ...'ip value port dst_port type category score tlp tags id valid_from expires'.split(' '),
      ...'revoked source to_ids protocol netmask start end __proto__ constructor'.split(' '),
    );
    const text = fc.constantFrom(
      '45.66.64.1',
      '45.66.64.1:80',
      'domain',
      'ip-dst|port',
      'tcp',
      '24',
      'benign',
      '2026-08-01',
      'TLP:RED',
    );
    const row = fc.dictionary(name, fc.oneof(text, fc.jsonValue(), fc.string({ unit: 'binary' })));
    fc.assert(
      fc.property(row, (row) => {
        const entry = read({ ip: '45.66.64.1', ...row });
        assert.equal(entry.line, 7);
        if (entry.kind === 'refused') assert.match(entry.text, /^[\x20-\x7e]{0,80}$/);
        else assert.ok(entry.nets.length > 0);
      }),
    );
  });

  it('may have fewer fields than its header, and a header without the others reads the same', () => {
    const columns = columnsOf(['ip', 'port', 'tags', 'expires', 'revoked'])!;
    const short = ['45.66.64.1'];
    const bare = readRecord((column) => short[column], columnsOf(['ip'])!, null);
    assert.deepEqual(
      readRecord((column) => short[column], columns, null),
      bare,
    );
  });
});
