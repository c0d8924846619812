import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WINDOW_RULE_TYPES } from '../../../shared/domain/security-group/rule-types.ts';
import { NO_GROUPS, judgingGroup } from '../../../shared/domain/security-group/security-group.ts';
import {
  isOutside,
  measured,
  windowRules,
  windowSizes,
} from '../../../shared/domain/security-group/window-rules.ts';
import { activityOf, tupleTo, tuplesOf } from '../window/tuples.ts';
import { groupOf, groupSet, timeWindowRule } from './groups.ts';

const MINUTES = 60_000;
const twinRule = timeWindowRule({ ruleType: 'TwinUpdatesNotInAllowedRange' });

describe('the rules that a window is held to', () => {
  it('are the enabled ones of its size, by the key of their group', () => {
    const hourly = timeWindowRule({ windowMs: 60 * MINUTES, timeWindowSize: 'PT1H' });
    const set = groupSet(
      groupOf('Pumps', timeWindowRule(), hourly, twinRule),
      groupOf('valves', timeWindowRule({ isEnabled: false }), hourly),
      groupOf('default'),
    );
    const rules = windowRules(set, 5 * MINUTES);
    assert.deepEqual([...rules.keys()], ['pumps', 'valves', 'default']);
    const measures = [...rules.values()].map((own) => own.map(({ measure }) => measure));
    assert.deepEqual(measures, [['activeConnections', 'twinUpdates'], [], []]);
    assert.deepEqual(windowRules(set, 60 * MINUTES).get('valves'), [
      { ...hourly, measure: 'activeConnections' },
    ]);
    assert.deepEqual(windowRules(set, 7 * MINUTES).get('pumps'), []);
  });

  it('leave out every rule whose figures nobody has', () => {
    const judged = WINDOW_RULE_TYPES.filter(({ ruleType }) => {
      const set = groupSet(groupOf('pumps', timeWindowRule({ ruleType })));
      return windowRules(set, 5 * MINUTES).get('pumps')!.length > 0;
    }).map(({ ruleType }) => ruleType);
    assert.deepEqual(judged, ['ActiveConnectionsNotInAllowedRange', twinRule.ruleType]);
    const unheard = groupSet(groupOf('pumps', timeWindowRule({ ruleType: 'Unheard' })));
    assert.deepEqual(windowRules(unheard, 5 * MINUTES).get('pumps'), []);
  });

  it('are asked for in the sizes of enabled rules with a source, each once, ascending', () => {
    const sized = (minutes: number, fields = {}) =>
      timeWindowRule({ windowMs: minutes * MINUTES, ...fields });
    const set = groupSet(
      groupOf('a', sized(60), sized(5), sized(1440, { isEnabled: false })),
      groupOf('b', sized(5), sized(15, { ruleType: 'FileUploadsNotInAllowedRange' }), sized(1)),
    );
    assert.deepEqual(windowSizes(set), [1 * MINUTES, 5 * MINUTES, 60 * MINUTES]);
    assert.deepEqual(windowSizes(NO_GROUPS), []);
  });
});

describe('a count', () => {
  const [rule] = windowRules(
    groupSet(groupOf('a', timeWindowRule({ minThreshold: 2, maxThreshold: 4 }))),
    5 * MINUTES,
  ).get('a')!;

  it('lies outside below the one bound and above the other, not at them', () => {
    const outside = [0, 1, 2, 3, 4, 5].map((count) => isOutside(count, rule!));
    assert.deepEqual(outside, [true, true, false, false, false, true]);
  });

  it('is of distinct connections, or of twin updates', () => {
    const device = activityOf({
      messages: 9,
      twinUpdates: 7,
      tuples: tuplesOf([tupleTo(1), tupleTo(1), tupleTo(2)]),
    });
    assert.equal(measured(device, 'activeConnections'), 2);
    assert.equal(measured(device, 'twinUpdates'), 7);
  });
});

describe('the group that judges a device', () => {
  const named = (...names: readonly string[]) => new Map(names.map((name) => [name, name]));

  it('is its own, else the default one, else none', () => {
    assert.equal(judgingGroup(named('pumps', 'default'), 'pumps'), 'pumps');
    assert.equal(judgingGroup(named('pumps', 'default'), 'typo'), 'default');
    assert.equal(judgingGroup(named('pumps'), 'typo'), null);
    assert.equal(judgingGroup(named('pumps'), 'default'), null);
  });

  it('is its own also where that one has no rules', () => {
    const set = groupSet(groupOf('Quiet'), groupOf('default', timeWindowRule()));
    assert.deepEqual(judgingGroup(windowRules(set, 5 * MINUTES), 'quiet'), []);
  });
});
