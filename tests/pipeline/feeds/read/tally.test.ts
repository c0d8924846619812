import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FeedEntry } from '../../../../shared/domain/indicator/feed-entry.ts';
import { formatInstant } from '../../../../shared/domain/time/instant.ts';
import { stateOf, Tally } from '../../../../shared/pipeline/feeds/read/tally.ts';
import { accepted, refused } from '../entries.ts';

const AT = Date.parse('2026-08-15T00:00:00Z');
const past = formatInstant(AT - 1);
const now = formatInstant(AT);
const next = formatInstant(AT + 1);
const constraint = { ports: [443], direction: null, protocol: null };

function summaryOf(
  entries: readonly FeedEntry[],
  format: string | null = null,
  acceptTlpRed = false,
) {
  const tally = new Tally(AT, { acceptTlpRed });
  for (const entry of entries) tally.add(entry);
  return tally.summary(format);
}

describe('a tally', () => {
  it('of nothing is nought of everything', () => {
    assert.deepEqual(summaryOf([]), {
      format: 'plain',
      entries: 0,
      indicators: 0,
      active: 0,
      duplicates: 0,
      constrained: 0,
      refused: { bogon: 0 },
      refusedParts: {},
    });
  });

  it('counts entries, those of them that were accepted, and why others were not', () => {
    const entries = [
      accepted('45.66.64.1'),
      refused('domain'),
      refused('domain'),
      refused('bogon'),
    ];
    const { entries: count, indicators, refused: reasons } = summaryOf(entries);
    assert.deepEqual([count, indicators, reasons], [4, 1, { bogon: 1, domain: 2 }]);
  });

  it('counts as active what is in force at its time', () => {
    const entries = [
      accepted('45.66.64.1'),
      accepted('45.66.64.2', { validFrom: now }),
      accepted('45.66.64.3', { validFrom: next }),
      accepted('45.66.64.4', { validUntil: next }),
      accepted('45.66.64.5', { validUntil: now }),
      accepted('45.66.64.6', { validFrom: past, validUntil: 'soon' }),
      accepted('45.66.64.7', null, { standing: 'context' }),
      accepted('45.66.64.8', null, { standing: 'revoked' }),
      accepted('45.66.64.9', { tlp: 'red' }),
      accepted('45.66.64.10', { tlp: 'amber+strict' }),
    ];
    assert.equal(summaryOf(entries).active, 4);
    assert.equal(summaryOf(entries, null, true).active, 5);
    assert.equal(summaryOf(entries).indicators, 10);
  });

  it('counts parts of an entry with it, and what was refused of them apart', () => {
    const entries = [
      accepted('45.66.64.1'),
      accepted('45.66.64.2', { constraint }, { part: true }),
      refused('domain', { part: true }),
      refused('badPattern'),
      refused('url', { part: true }),
    ];
    const { format: _, ...summary } = summaryOf(entries);
    assert.deepEqual(summary, {
      entries: 2,
      indicators: 1,
      active: 1,
      duplicates: 0,
      constrained: 0,
      refused: { bogon: 0, badPattern: 1 },
      refusedParts: { domain: 1, url: 1 },
    });
  });

  it('counts as constrained what asks for more than an address', () => {
    const entries = [
      accepted('45.66.64.1', { constraint }),
      accepted('45.66.64.2', { confidence: 5 }),
      accepted('45.66.64.3'),
    ];
    assert.equal(summaryOf(entries).constrained, 1);
  });

  it('counts as duplicates what says the same of the same networks', () => {
    const same = [
      accepted('45.66.64.1'),
      accepted('45.66.64.1'),
      accepted('45.66.64.1'),
      accepted('45.66.64.0/24'),
      accepted('45.66.64.0/24'),
      accepted('2a06:e480::1'),
      accepted('2a06:E480:0::1'),
      accepted(['45.66.64.1', '45.66.64.2']),
      accepted(['45.66.64.1', '45.66.64.2']),
      accepted('45.66.64.1', { constraint }),
      accepted('45.66.64.1', { constraint: { ...constraint } }),
    ];
    assert.equal(summaryOf(same).duplicates, 6);
  });

  it('counts as no duplicate another port, length, or order', () => {
    const other = [
      accepted('45.66.64.0'),
      accepted('45.66.64.0/24'),
      accepted('45.66.64.0/25'),
      accepted('45.66.64.0', { constraint }),
      accepted('45.66.64.0', { constraint: { ...constraint, ports: [80] } }),
      accepted('2d42:4000::'),
    ];
    assert.equal(summaryOf(other).duplicates, 0);
  });

  it('names the kind of list that its entries show, unless the format is known', () => {
    const plain = [accepted('45.66.64.1'), accepted('2a06:e480::1')];
    const netset = [...plain, accepted('45.66.64.0/24')];
    const ranges = [...netset, accepted('45.66.64.7', null, { range: true })];
    assert.equal(summaryOf(plain).format, 'plain');
    assert.equal(summaryOf(netset).format, 'netset');
    assert.equal(summaryOf(ranges).format, 'ranges');
    assert.equal(summaryOf(ranges, 'csv').format, 'csv');
  });
});

describe('the state of an entry', () => {
  it('is active without any detail', () => {
    assert.equal(stateOf(accepted('45.66.64.1'), AT), 'active');
    assert.equal(stateOf(accepted('45.66.64.1', null, { standing: 'revoked' }), AT), 'revoked');
  });

  it('goes by its detail and the policy', () => {
    const entry = accepted('45.66.64.1', { validUntil: now, tlp: 'red' });
    assert.equal(stateOf(entry, AT), 'context');
    assert.equal(stateOf(entry, AT, { acceptTlpRed: true }), 'expired');
    assert.equal(stateOf(entry, AT - 1, { acceptTlpRed: true }), 'active');
  });
});
