import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { MAX_RECORD_BYTES, readCsv } from '../../../../shared/pipeline/feeds/read/read-csv.ts';
import { bytesOf, type Document, outcomes, readWhole } from './reading.ts';

const read = async (document: Document, size?: number) =>
  outcomes(await readWhole(document, 'csv', size));

// As abuse.ch writes them, shortened.
const feodo = [
  '################################',
  '# Feodo Tracker Botnet C2 IPs  #',
  '################################',
  '#',
  '"first_seen_utc","dst_ip","dst_port","c2_status","last_online","malware"',
  '"2021-12-20 00:03:32","45.66.64.1","443","online","2026-08-01","Dridex"',
  '"2021-12-21 00:03:32","45.66.64.2","8080","offline","2026-08-01","Emotet"',
  '# END 2 entries',
].join('\r\n');
const threatFox = [
  '# abuse.ch ThreatFox',
  '# "first_seen_utc","ioc_id","ioc_value","ioc_type","threat_type","malware_printable","confidence_level","tags"',
  '"2026-08-01 10:00:00", "11", "45.66.64.1:4443", "ip:port", "botnet_cc", "Cobalt Strike", "75", "cs,c2"',
  '"2026-08-01 10:00:01", "12", "evil.example.com", "domain", "botnet_cc", "Vidar", "100", "None"',
  '"2026-08-01 10:00:02", "13", "http://45.66.64.3/x", "url", "payload", "Vidar", "50", ""',
  '',
].join('\n');
const urlhaus = [
  '# URLhaus',
  '#',
  '# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter',
  '"1","2026-08-01 10:00:00","http://45.66.64.1/a,b","online","","malware_download","elf,mozi","https://urlhaus.abuse.ch/url/1/","x"',
  '',
].join('\n');
const banners = [
  'ip,banner,port',
  '45.66.64.1,"HTTP/1.1 200 OK',
  '# not a comment',
  '',
  '<a href=""x"">, and more',
  '# END 9 entries",80',
  '',
].join('\n');

describe('a table', () => {
  for (const [what, text, expected] of [
    [
      'of Feodo, quoted, with CR LF, a banner and a trailer',
      feodo,
      ['6: 45.66.64.1/32 only 443', '7: 45.66.64.2/32 only 8080'],
    ],
    [
      'of ThreatFox, with its header in a comment and blanks before quotes',
      threatFox,
      ['3: 45.66.64.1/32 only 4443', '4: domain', '5: url'],
    ],
    ['of URLhaus, which lists no addresses', urlhaus, ['4: url']],
    ['with a bare header', 'ip,x\n45.66.64.1,a\n', ['2: 45.66.64.1/32']],
    [
      'with a header in other words and case',
      'Country,IP Address\nRO,45.66.64.1\n',
      ['2: 45.66.64.1/32'],
    ],
    [
      'with blanks behind commas',
      'x, ip\na, 45.66.64.1\nb , 45.66.64.2 \n',
      ['2: 45.66.64.1/32', '3: 45.66.64.2/32'],
    ],
    ['parted by semicolons', 'ip;x\n45.66.64.1;a,b\n', ['2: 45.66.64.1/32']],
    ['parted by tabs', 'x\tip\na, b, c\t45.66.64.1\n', ['2: 45.66.64.1/32']],
    ['parted by bars', 'x|ip\na|45.66.64.1\n', ['2: 45.66.64.1/32']],
    ['of one column', 'ip\n45.66.64.1\n45.66.64.0/24\n', ['2: 45.66.64.1/32', '3: 45.66.64.0/24']],
    [
      'without a header',
      'a,45.66.64.1,7\nb,45.66.64.2,7\n',
      ['1: 45.66.64.1/32', '2: 45.66.64.2/32'],
    ],
    [
      'without a header, under a comment of words',
      '# what, where\na,45.66.64.1\nb,45.66.64.2\n',
      ['2: 45.66.64.1/32', '3: 45.66.64.2/32'],
    ],
    ['with a byte order mark and CR LF', '\ufeffip,x\r\n45.66.64.1,a\r\n', ['2: 45.66.64.1/32']],
    [
      'with a byte order mark before a quote',
      '\ufeff"x","ip"\n"a","45.66.64.1"\n',
      ['2: 45.66.64.1/32'],
    ],
    [
      'with a byte order mark before a comment',
      '\ufeff# "x","ip"\n"a","45.66.64.1"\n',
      ['2: 45.66.64.1/32'],
    ],
    [
      'with empty lines',
      'ip,x\n\n45.66.64.1,a\n\n\n45.66.64.2,b\n\n',
      ['3: 45.66.64.1/32', '6: 45.66.64.2/32'],
    ],
    ['without a last line end', 'ip,x\n45.66.64.1,a', ['2: 45.66.64.1/32']],
    ['of a header alone', 'ip,x\n', []],
    ['of comments alone', '# ip,x\n# y,z\n', []],
    ['of nothing', '', []],
  ] as const) {
    it(what, async () => {
      for (const size of [Infinity, 1, 7]) assert.deepEqual(await read(text, size), expected);
    });
  }

  it('may have cells over several lines, with signs of comments, commas and quotes', async () => {
    const text = `${banners}45.66.64.2,"plain",81\n`;
    assert.deepEqual(await read(text), ['6: 45.66.64.1/32 only 80', '7: 45.66.64.2/32 only 81']);
  });

  it('tells the line on which a row ends', async () => {
    const text = 'ip,x\n45.66.64.1,"a\nb\n# c"\n45.66.64.2,d\n';
    assert.deepEqual(await read(text), ['4: 45.66.64.1/32', '5: 45.66.64.2/32']);
  });

  it('may have rows of any length', async () => {
    const text = 'x,ip,port\na\nb,45.66.64.1\nc,45.66.64.2,80,,,d,e\n,,\n,45.66.64.3\n';
    assert.deepEqual(await read(text), [
      '2: malformed',
      '3: 45.66.64.1/32',
      '4: 45.66.64.2/32 only 80',
      '5: malformed',
      '6: 45.66.64.3/32',
    ]);
  });

  it('gives what a row says beside its address', async () => {
    const { entries } = await readWhole(threatFox, 'csv');
    assert.partialDeepStrictEqual(entries[0], {
      detail: { id: '11', confidence: 75, labels: ['botnet_cc', 'Cobalt Strike', 'cs', 'c2'] },
    });
  });

  it('takes a sign within a cell for no comment', async () => {
    const text = 'x,ip\na # b,45.66.64.1\n"# c",45.66.64.2\n# d,45.66.64.3\n';
    assert.deepEqual(await read(text), ['2: 45.66.64.1/32', '3: 45.66.64.2/32']);
  });

  it('may have quotes within bare cells', async () => {
    const text = 'x,ip\n5" nail,45.66.64.1\na "b" c,45.66.64.2\n';
    assert.deepEqual(await read(text), ['2: 45.66.64.1/32', '3: 45.66.64.2/32']);
  });

  it('spoils with a byte that is not UTF-8 its own cell only', async () => {
    const text = Buffer.from('x,ip\ncaf\xe9,45.66.64.1\nb,45.66.64.\xff\nc,45.66.64.2\n', 'latin1');
    assert.deepEqual(await read(text), ['2: 45.66.64.1/32', '3: encoding', '4: 45.66.64.2/32']);
  });

  it('may have columns with the names that objects of JavaScript have', async () => {
    assert.deepEqual(await read('__proto__,constructor,ip\na,b,45.66.64.1\n'), [
      '2: 45.66.64.1/32',
    ]);
  });
});

describe('a table without names of columns', () => {
  it('has its addresses where most of the first rows have one', async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `${i},45.66.64.${i},x`);
    rows[0] = '45.66.65.1,here,x';
    const read1 = await read(rows.join('\n'));
    assert.equal(read1.length, 30);
    assert.equal(read1[0], '1: notAnAddress');
    assert.equal(read1[29], '30: 45.66.64.29/32');
  });

  it('decides after twenty rows, for the first of two columns that have as many', async () => {
    const rows = Array.from({ length: 60 }, (_, i) =>
      i < 10 ? `45.66.64.${i},x` : `x,45.66.64.${i}`,
    );
    const outcome = await read(rows.join('\n'));
    assert.equal(outcome.filter((text) => text.includes('/32')).length, 10);
    assert.equal(outcome.length, 60);
  });

  it('does not take numbers or names for addresses', async () => {
    const row = '759316481,evil.example.com,45.66.64.1\n';
    assert.deepEqual(await read(row.repeat(2)), ['1: 45.66.64.1/32', '2: 45.66.64.1/32']);
  });

  it('is not believed for one row, or for fewer than half of them', async () => {
    assert.deepEqual(await read('Sorry, 81.2.69.142, you are blocked\n'), ['1: notAnAddress']);
    assert.deepEqual(await read('a,45.66.64.1\nb,x\nc,45.66.64.2\nd,y\n'), [
      '1: 45.66.64.1/32',
      '2: notAnAddress',
      '3: 45.66.64.2/32',
      '4: notAnAddress',
    ]);
    const few = await read('a,45.66.64.1\nb,x\nc,45.66.64.2\nd,y\ne,z\n');
    assert.deepEqual(
      new Set(few.map((text) => text.replace(/^\d+: /, ''))),
      new Set(['notAnAddress']),
    );
  });

  it('does not choose one of two addresses in a row', async () => {
    const text = 'a,45.66.64.1,45.66.64.2\nb,45.66.64.3,-\nc,45.66.64.4,http://45.66.64.4/x\n';
    assert.deepEqual(await read(text), ['1: ambiguous', '2: 45.66.64.3/32', '3: 45.66.64.4/32']);
  });

  it('is not told by rows with two addresses', async () => {
    const text = '45.66.64.1,45.66.64.2\n45.66.64.3,45.66.64.4\n45.66.64.5,x\n';
    assert.deepEqual(await read(text), ['1: ambiguous', '2: ambiguous', '3: notAnAddress']);
  });

  it('is not told by a header with a bad quote, nor by such a row', async () => {
    const text = '"x" y,ip\na,45.66.64.1\nb,45.66.64.2\n"c" d,45.66.64.3\n';
    const rows = ['2: 45.66.64.1/32', '3: 45.66.64.2/32', '4: malformed'];
    assert.deepEqual(await read(text), ['1: malformed', ...rows]);
    assert.deepEqual(await read(text.replace('"x" y,ip', '"ip" y,x')), ['1: malformed', ...rows]);
  });

  it('takes no address out of rules of a firewall', async () => {
    const rules = 'drop ip [45.66.64.1,45.66.64.2,45.66.64.3] any -> any any (sid:1;)\n';
    const set = 'elements = { 45.66.64.1, 45.66.64.2,\n 45.66.64.3, 45.66.64.4 }\n';
    for (const text of [rules.repeat(30), set]) {
      const read1 = await read(text);
      assert.ok(read1.length >= 2 && read1.every((each) => each.endsWith(': ambiguous')), text);
    }
  });

  it('shows its first column where no row has an address', async () => {
    assert.deepEqual(await read('a,b\nc,d\n'), ['1: notAnAddress', '2: notAnAddress']);
  });
});

describe('lines above a header', () => {
  for (const [what, text, expected] of [
    [
      'may be comments in the style of lists',
      '; banner, of; us\n// "and" more\nip,port\n45.66.64.1,443\n',
      ['4: 45.66.64.1/32 only 443'],
    ],
    [
      'may be comments with the delimiter for their sign',
      '; banner; of us\nip;port\n45.66.64.1;443\n',
      ['3: 45.66.64.1/32 only 443'],
    ],
    [
      'may be titles',
      'Our list\n\nof,today\nip,port\n45.66.64.1,443\n',
      ['1: malformed', '3: malformed', '5: 45.66.64.1/32 only 443'],
    ],
    [
      'may be four titles',
      'a\nb\nc\nd\nip;port\n45.66.64.1;443\n',
      ['1: malformed', '2: malformed', '3: malformed', '4: malformed', '6: 45.66.64.1/32 only 443'],
    ],
    [
      'are not five titles',
      'a\nb\nc\nd\ne\nport,ip\n443,45.66.64.1\n',
      ['1', '2', '3', '4', '5', '6', '7'].map((line) => `${line}: notAnAddress`),
    ],
    [
      'are rows if they hold an address',
      'not 45.66.64.1\nport,ip\n443,45.66.64.2\n444,45.66.64.3\n',
      ['1: malformed', '2: notAnAddress', '3: 45.66.64.2/32', '4: 45.66.64.3/32'],
    ],
    ['may tell Excel the delimiter', 'sep=;\nip;x\n45.66.64.1;a,b,c\n', ['3: 45.66.64.1/32']],
    [
      'may tell Excel another delimiter than the rows show',
      '"sep=|"\r\nx|ip\r\na,b|45.66.64.1\r\nc,d|45.66.64.2\r\n',
      ['3: 45.66.64.1/32', '4: 45.66.64.2/32'],
    ],
    [
      'may have more commas than the header has semicolons',
      'a, b, c, d, e\nip;port\n45.66.64.1;443\n',
      ['1: malformed', '3: 45.66.64.1/32 only 443'],
    ],
    [
      'are none where the first name is blank',
      ';ip;port\n0;45.66.64.1;443\n',
      ['2: 45.66.64.1/32 only 443'],
    ],
    [
      'are none below it',
      'x;ip\na;45.66.64.1\n;45.66.64.2\n// b;45.66.64.3\n',
      ['2: 45.66.64.1/32', '3: 45.66.64.2/32', '4: 45.66.64.3/32'],
    ],
    [
      'are none where rows begin with a blank cell',
      ';45.66.64.1\na;45.66.64.2\n',
      ['1: 45.66.64.1/32', '2: 45.66.64.2/32'],
    ],
  ] as const) {
    it(what, async () => {
      for (const size of [Infinity, 1]) assert.deepEqual(await read(text, size), expected);
    });
  }
});

describe('the line ends of a table', () => {
  it('may be of any kind, and change', async () => {
    for (const ends of [
      ['\n', '\n', '\n', '\n'],
      ['\r\n', '\r\n', '\r\n', '\r\n'],
      ['\r', '\r', '\r', '\r'],
      ['\r\n', '\n', '\n', '\r\n'],
      ['\n', '\r\n', '\r', '\n'],
      ['\r', '\n', '\r\n', ''],
    ]) {
      const text = `# banner${ends[0]}ip,x${ends[1]}45.66.64.1,"a"${ends[2]}45.66.64.2,b${ends[3]}`;
      const expected = ['3: 45.66.64.1/32', '4: 45.66.64.2/32'];
      for (const size of [Infinity, 1]) assert.deepEqual(await read(text, size), expected);
    }
  });

  it('count once within quotes too', async () => {
    const text = 'ip,x\r\n45.66.64.1,"a\r\nb\r\n\r\n"\r\n45.66.64.2,c\r\n';
    for (const size of [Infinity, 1, 2]) {
      assert.deepEqual(await read(text, size), ['5: 45.66.64.1/32', '6: 45.66.64.2/32']);
    }
  });
});

describe('a header in a comment', () => {
  it('counts although the first row looks like one of a list', async () => {
    const text = '#ip,port,ioc\n45.66.64.1,443,C2\n45.66.64.2,80,C2\n';
    const detected = outcomes(await readWhole(text));
    assert.deepEqual(detected, ['2: 45.66.64.1/32 only 443', '3: 45.66.64.2/32 only 80']);
    assert.deepEqual(await read(text), detected);
  });

  it('is the last comment before the first row only', async () => {
    const text = '# "x","ip"\n# that was it, really\n"45.66.64.1","45.66.64.2"\n';
    assert.deepEqual(await read(text), ['3: ambiguous']);
  });

  it('is not looked for where the first row is a header', async () => {
    assert.deepEqual(await read('# ip,port\nport,ip\n80,45.66.64.1\n'), [
      '3: 45.66.64.1/32 only 80',
    ]);
    assert.deepEqual(await read('# x, value\nip\n45.66.64.1\n'), ['3: 45.66.64.1/32']);
  });

  it('has more than one name', async () => {
    assert.deepEqual(await read('# value\na,45.66.64.1\nb,45.66.64.2\n'), [
      '2: 45.66.64.1/32',
      '3: 45.66.64.2/32',
    ]);
  });

  it('may have a quote that does not close', async () => {
    assert.deepEqual(await read('# a,"ip\n45.66.64.1,a\n45.66.64.2,b\n'), [
      '2: 45.66.64.1/32',
      '3: 45.66.64.2/32',
    ]);
  });

  it('may stand before a row whose cells go over lines', async () => {
    const text = '# "banner","ip"\n"a\nb","45.66.64.1"\n';
    assert.deepEqual(await read(text), ['3: 45.66.64.1/32']);
  });
});

describe('a table that breaks', () => {
  it('off within quotes is damaged', async () => {
    await assert.rejects(read('ip,x\n45.66.64.1,"a\n45.66.64.2,b\n'), {
      code: 'damaged',
      message: /a quote in the row of line 2 never closes/,
    });
  });

  it('with text behind a closing quote loses that row only', async () => {
    for (const cell of ['"a" b', '"a"b', '"a" "b"', '"a"#', '"a ""b" c, d"', '""a"']) {
      const text = `ip,x,port\n45.66.64.1,${cell},80\n45.66.64.2,"a",81\n45.66.64.3,b\n`;
      const expected = ['2: malformed', '3: 45.66.64.2/32 only 81', '4: 45.66.64.3/32'];
      for (const size of [Infinity, 1]) assert.deepEqual(await read(text, size), expected, cell);
    }
  });

  it('with text behind a closing quote is damaged if that row goes over lines', async () => {
    const banner = '<a href="x">\n45.66.64.9,b\n"';
    await assert.rejects(read(`ip,x\n45.66.64.1,"a\n${banner},c\n45.66.64.2,d\n`), {
      code: 'damaged',
      message: /text stands behind a quote at line 3, in the row that begins at line 2/,
    });
  });

  it('with a record over the limit is damaged, before all of it was read', async () => {
    let pieces = 0;
    const endless = async function* () {
      yield bytesOf('ip,x\n45.66.64.1,"');
      for (; pieces < 1000; pieces++) yield Buffer.alloc(65_536, 'x');
    };
    const reading = async () => {
      for await (const _ of readCsv(endless(), bytesOf('ip,x\n')));
    };
    await assert.rejects(reading, {
      code: 'damaged',
      message: /the row of line 2 has over 1048576 bytes/,
    });
    assert.ok(pieces < 40, `${pieces} pieces were read`);
  });

  it('not with a record just below the limit', async () => {
    const cell = 'x'.repeat(MAX_RECORD_BYTES - 100);
    assert.deepEqual(await read(`ip,x\n45.66.64.1,"${cell}"\n`), ['2: 45.66.64.1/32']);
  });

  it('off in its source passes the error of the source on', async () => {
    for (const text of ['', 'ip,x\n', 'ip,x\n45.66.64.1,a\n45.66', 'ip,x\n45.66.64.1,"a']) {
      const failing = async function* () {
        yield bytesOf(text);
        throw new RangeError('the connection broke');
      };
      const reading = async () => {
        for await (const _ of readCsv(failing(), bytesOf(text)));
      };
      await assert.rejects(reading, RangeError);
    }
  });
});

describe('the pieces of a table', () => {
  for (const [what, text] of Object.entries({ feodo, threatFox, banners })) {
    it(`may be cut at any byte: ${what}`, async () => {
      const bytes = bytesOf(`\ufeff${text}`);
      const expected = await readWhole(bytes, 'csv');
      assert.ok(expected.entries.length > 0);
      for (let at = 1; at < bytes.length; at++) {
        const halves = async function* () {
          yield bytes.subarray(0, at);
          yield bytes.subarray(at);
        };
        const entries = [];
        for await (const some of readCsv(halves(), bytes)) entries.push(...some);
        assert.deepEqual(entries, expected.entries, `cut at ${at}`);
      }
    });
  }

  it('give all of a large table, in order', async () => {
    const rows = Array.from({ length: 25_000 }, (_, i) => `45.66.${i >> 8}.${i & 255},x`);
    const { entries } = await readWhole(`ip,x\n${rows.join('\n')}\n`, 'csv', 50_000);
    assert.equal(entries.length, 25_000);
    assert.ok(entries.every(({ line }, i) => line === i + 2));
  });

  it('are closed with their reader', async () => {
    let closed = false;
    const endless = async function* () {
      try {
        yield bytesOf('ip,x\n');
        for (;;) yield bytesOf('45.66.64.1,a\n'.repeat(1000));
      } finally {
        closed = true;
      }
    };
    for await (const _ of readCsv(endless(), bytesOf('ip,x\n'))) break;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(closed, true);
  });
});

describe('any quoted cell', () => {
  it('comes back as the writer meant it, beside any others', async () => {
    const cell = fc.string({
      unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', '#', ' ', ';', '\t', 'é'),
      maxLength: 12,
    });
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const sizes = fc.integer({ min: 1, max: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell), { maxLength: 6 }),
        sizes,
        async (rows, size) => {
          const lines = rows.map(
            ([a, b], i) => `${quoted(a)},${quoted(`45.66.64.${i}`)},${quoted(b)}\n`,
          );
          const outcome = await read(`"x","ip","y"\n${lines.join('')}`, size);
          assert.deepEqual(
            outcome.map((text) => text.replace(/^\d+: /, '')),
            rows.map((_, i) => `45.66.64.${i}/32`),
          );
        },
      ),
    );
  });
});

describe('a table that tells of more than addresses', () => {
  const addresses = '45.66.64.1,ip\n45.66.64.2,ip\n';

  for (const type of ['url', 'ioc', 'source', 'network']) {
    it(`takes no row for a header because its type is called ${type}`, async () => {
      const text = `evil.example.com,domain\nhttp://x.example.com/y,${type}\n${addresses}`;
      assert.deepEqual(await read(text), [
        '1: domain',
        '2: url',
        '3: 45.66.64.1/32',
        '4: 45.66.64.2/32',
      ]);
    });
  }

  it('may have names first, more than are looked at', async () => {
    const names = Array.from({ length: 30 }, (_, i) => `${i}.example.com,x\n`).join('');
    const outcome = await read(names + addresses);
    assert.deepEqual(outcome.slice(-2), ['31: 45.66.64.1/32', '32: 45.66.64.2/32']);
    assert.ok(outcome.slice(0, 30).every((text) => text.endsWith('domain')));
  });

  it('may have few addresses among names', async () => {
    const names = Array.from({ length: 10 }, (_, i) => `${i}.example.com,x\n`).join('');
    assert.deepEqual((await read(addresses + names)).slice(0, 2), [
      '1: 45.66.64.1/32',
      '2: 45.66.64.2/32',
    ]);
  });

  it('is not believed where two addresses stand in prose', async () => {
    const prose = Array.from({ length: 10 }, () => 'some words,more of them\n').join('');
    assert.ok((await read(addresses + prose)).every((text) => text.endsWith('notAnAddress')));
  });
});

describe('a table whose rows begin with an empty cell', () => {
  it('is read by its header, or without one', async () => {
    assert.deepEqual(await read(';ip;port\n;45.66.64.1;80\n'), ['2: 45.66.64.1/32 only 80']);
    assert.deepEqual(await read(';45.66.64.1;x\n;45.66.64.2;y\n'), [
      '1: 45.66.64.1/32',
      '2: 45.66.64.2/32',
    ]);
  });
});

describe('a misplaced quote over lines', () => {
  it('is damage where a later one closes nothing: what stands between may be a text', async () => {
    const text = 'ip,banner\n45.66.64.1,"say "hi"\n45.66.64.2,x"\n45.66.64.3,y\n';
    await assert.rejects(read(text), { code: 'damaged', message: /line 3 closes none/ });
  });

  it('costs its row only where nothing is left open', async () => {
    const text = 'ip,banner\n45.66.64.1,"say "hi\n45.66.64.2,"x"\n45.66.64.3,a "b" c\n';
    assert.deepEqual(await read(text), ['2: malformed', '3: 45.66.64.2/32', '4: 45.66.64.3/32']);
  });
});
