import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  DEFAULT_GROUP,
  groupNameOf,
  groupNameProblem,
} from '../../../shared/domain/security-group/group-name.ts';

describe('the name of a security group', () => {
  it('is the same in any case and with blanks around it', () => {
    for (const stamped of ['thermostats', 'Thermostats', ' THERMOSTATS\t']) {
      assert.equal(groupNameOf(stamped), 'thermostats');
    }
  });

  it('is the text of a tag that is a number', () => {
    assert.equal(groupNameOf(42), '42');
  });

  it('is the default for a device without a tag', () => {
    for (const stamped of [undefined, null, '', '  ', true, {}, ['pumps']]) {
      assert.equal(groupNameOf(stamped), DEFAULT_GROUP);
    }
  });

  it('is the default where IoT Hub stamped the path instead of a tag', () => {
    assert.equal(groupNameOf('$twin.tags.SecurityGroup'), DEFAULT_GROUP);
    assert.equal(groupNameOf('$TWIN.tags.securityGroup'), DEFAULT_GROUP);
    assert.equal(groupNameOf('twin.tags'), 'twin.tags');
    assert.equal(groupNameOf('$twins'), '$twins');
  });
});

describe('a text as the name of a group', () => {
  it('is taken if a twin tag can have it and a path can hold it', () => {
    for (const name of ['default', 'Cameras 2', 'a.b-c_d', "o'hare", '…', 'x'.repeat(256), '水']) {
      assert.equal(groupNameProblem(name), null, name);
    }
  });

  it('is refused with what is wrong with it', () => {
    for (const [name, reason] of [
      ['', /expected/],
      ['x'.repeat(257), /at most 256 characters; this one has 257/],
      ['a/b', /"\/" was found/],
      ['a\\b', /"\\\\" was found/],
      ['a?b', /"\?" was found/],
      ['a#b', /"#" was found/],
      ['50%', /"%" was found/],
      ['a\nb', /"\\n" was found/],
      ['a\u0085b', /control character/],
      [' a', /blanks/],
      ['a\u00a0', /blanks/],
      ['.', /cannot be/],
      ['..', /cannot be/],
      ['$Twin.tags.SecurityGroup', /\$twin/],
      ['\ud800', /surrogate/],
    ] as const) {
      assert.match(groupNameProblem(name)!, reason, JSON.stringify(name));
    }
  });
});
