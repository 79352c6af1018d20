import { expect, test } from '@jest/globals';
import { build, STACKS } from './stacks.js';

test.each(STACKS.filter(({ packages }) => packages.length > 0))('without $name one is told what to install', async (stack) => {
  const building = build({ ...stack, needs: ['/nowhere/at-all'] }, '/nowhere');
  await expect(building).rejects.toThrow(
    `${stack.name}: there is no /nowhere/at-all: apt-get install ${stack.packages.join(' ')}`,
  );
});
