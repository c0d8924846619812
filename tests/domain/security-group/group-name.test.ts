import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_GROUP, groupNameOf } from '../../../shared/domain/security-group/group-name.ts';

describe('the name of a security group', () => {
  it('is the same in any case and with blanks around it', () => {
    for (const stamped of ['thermostats', 'Thermostats', ' THERMOSTATS\t']) {
      assert.equal(groupNameOf(stamped), 'thermostats');
    }
  });

  it('is the default for a device without a tag', () => {
    for (const stamped of [undefined, null, '', '  ', 7, {}, ['pumps']]) {
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
