// Leads modules that import node:test to what stands for it.
const own = new URL('./node_tests.mjs', import.meta.url).href

export async function resolve (specifier, context, next) {
  if (specifier === 'node:test' && context.parentURL !== own) return { url: own, shortCircuit: true }
  return next(specifier, context)
}
