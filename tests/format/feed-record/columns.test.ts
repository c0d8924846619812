import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { columnsOf } from '../../../shared/format/feed-record/columns.ts';

/** The roles that have a column, with the names of their columns, the best first. */
function roles(header: string): Record<string, string> | null {
  const cells = header.split(',');
  const columns = columnsOf(cells);
  if (columns === null) return null;
  const found = Object.entries(columns).filter(([, places]) => places.length > 0);
  return Object.fromEntries(found.map(([role, at]) => [role, at.map((i) => cells[i]).join(' ')]));
}

describe('the columns of a header', () => {
  for (const [feed, header, expected] of [
    [
      'Feodo',
      'first_seen_utc,dst_ip,dst_port,c2_status,last_online,malware',
      { value: 'dst_ip', port: 'dst_port', labels: 'malware' },
    ],
    [
      'Infoblox',
      'type,indicator,classification,detected_date',
      { value: 'indicator', valueType: 'type', classification: 'classification' },
    ],
    [
      'OpenCTI',
      'created_at,entity_type,objectLabel,objectMarking,observable_value,updated_at,value,x_opencti_description,x_opencti_score',
      {
        value: 'value observable_value',
        valueType: 'entity_type',
        labels: 'objectLabel',
        tlp: 'objectMarking',
        confidence: 'x_opencti_score',
      },
    ],
    [
      'ThreatFox',
      'first_seen_utc,ioc_id,ioc_value,ioc_type,threat_type,malware,malware_alias,malware_printable,last_seen_utc,confidence_level,reference,tags,anonymous,reporter',
      {
        value: 'ioc_value',
        valueType: 'ioc_type',
        classification: 'threat_type',
        labels: 'malware_printable malware tags',
        confidence: 'confidence_level',
        id: 'ioc_id',
        source: 'reporter',
      },
    ],
    [
      'ShadowWhisperer',
      'ip,category,detail,note,tags,first_seen,last_seen',
      { value: 'ip', classification: 'category', labels: 'category detail tags' },
    ],
    ['Spamhaus', 'cidr,sblid,rir', { value: 'cidr', id: 'sblid' }],
    [
      'a list with validity',
      'id,ip,valid_from,valid_until,expires,revoked,deleted,tlp,source',
      {
        value: 'ip',
        id: 'id',
        validFrom: 'valid_from',
        validUntil: 'valid_until expires',
        revoked: 'revoked deleted',
        tlp: 'tlp',
        source: 'source',
      },
    ],
  ] as const) {
    it(`of ${feed} are found`, () => {
      assert.deepEqual(roles(header), expected);
    });
  }

  for (const cell of [
    'ip',
    ' IP ',
    '"ip"',
    "'Ip'",
    '\ufeffip',
    '\ufeff"ip"',
    '#ip',
    '# "ip"',
    ' # ip',
    '" ip "',
    '## ip',
    '\tip\r',
  ]) {
    it(`are known by ${JSON.stringify(cell)}`, () => {
      assert.deepEqual(columnsOf(['x', cell])?.value, [1]);
    });
  }

  it('are known with blanks or hyphens within', () => {
    assert.deepEqual(columnsOf(['IP Address', 'Valid-Until'])?.validUntil, [1]);
    assert.deepEqual(columnsOf(['IP Address', 'Valid-Until'])?.value, [0]);
  });

  it('are none if none of them can hold an address', () => {
    for (const header of [
      '',
      'asn,domain',
      'links,dateadded',
      'dst_port,malware',
      'ips',
      'xip',
      '__proto__,constructor',
    ]) {
      assert.equal(roles(header), null, header);
    }
    assert.equal(columnsOf([]), null);
    assert.equal(columnsOf([`ip${' '.repeat(1_000_000)}`]), null);
  });

  it('count a name once, where it stands first', () => {
    assert.deepEqual(columnsOf(['x', 'ip', 'IP', 'ip'])?.value, [1]);
  });
});
