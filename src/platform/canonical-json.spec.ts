import { canonicalJson } from './canonical-json.js';

it('canonicalJson sorts the members of every object, and those that look like numbers too', () => {
  expect(canonicalJson({ b: [{ d: 1, c: null }], a: 'x', 10: true, 9: 1.5 })).toBe(
    '{"10":true,"9":1.5,"a":"x","b":[{"c":null,"d":1}]}',
  );
});

it('canonicalJson writes numbers and texts as RFC 8785 has them', () => {
  expect(canonicalJson([1e21, -0, 0.000001, 'é"\n\u2028'])).toBe('[1e+21,0,0.000001,"é\\"\\n\u2028"]');
});
