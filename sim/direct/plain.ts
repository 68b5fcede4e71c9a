// Values as they would come out of a wire, without one.
import { Schema, SchemaAST } from "effect"
import type { Codecs } from "../../runtime/index.ts"

type Codec = Schema.Codec<unknown, unknown>

interface Wire {
  readonly encode: (value: unknown) => unknown
  readonly decode: (value: unknown) => unknown
}

const wires = new WeakMap<Codec, Wire>()

/**
 * From a value to its JSON form and back, made once per schema. Where both are the same the value passes as it is, unchecked:
 * who sends it has checked it.
 */
export const wireOf = (schema: Codec | undefined): Wire => {
  if (schema === undefined) return PLAIN
  let wire = wires.get(schema)
  if (wire === undefined) {
    const json = Schema.toCodecJson(schema)
    wire = isPlain(schema.ast, new Set())
      ? PLAIN
      : { encode: Schema.encodeUnknownSync(json), decode: Schema.decodeUnknownSync(json) }
    wires.set(schema, wire)
  }
  return wire
}

/** The wires, as actors are made ready for them. */
export const plainCodecs: Codecs = {
  encoder: (schema) => wireOf(schema).encode,
  decoder: (schema) => wireOf(schema).decode
}

const PLAIN: Wire = { encode: (value) => value, decode: (value) => value }

/** Whether nothing in a schema has a JSON form of its own. What is unknown passes, for it is JSON already. */
const isPlain = (ast: SchemaAST.AST, seen: Set<SchemaAST.AST>): boolean => {
  if (seen.has(ast)) return true
  seen.add(ast)
  if (ast.encoding !== undefined) return false
  // Of declared types only the codec knows: dates and maps have another form in JSON.
  if (SchemaAST.isDeclaration(ast) && Schema.toCodecJson(Schema.make(ast)).ast.encoding !== undefined) return false
  return partsOf(ast).every((part) => isPlain(part, seen))
}

const partsOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  if (SchemaAST.isObjects(ast)) {
    return [
      ...ast.propertySignatures.map(({ type }) => type),
      ...ast.indexSignatures.flatMap(({ parameter, type }) => [parameter, type])
    ]
  }
  if (SchemaAST.isArrays(ast)) return [...ast.elements, ...ast.rest]
  if (SchemaAST.isUnion(ast)) return ast.types
  if (SchemaAST.isSuspend(ast)) return [ast.thunk()]
  return SchemaAST.isDeclaration(ast) ? ast.typeParameters : []
}
