// The files of the checkout, and what a parser sees in them. For the style test.
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, posix } from "node:path"
import { parseAst } from "rolldown/parseAst"

export interface Source {
  /** From the root of the checkout, with forward slashes. */
  readonly path: string
  readonly text: string
}

/** A node of the syntax tree, as far as rules look at it. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

const NOT_OURS = new Set(["node_modules", ".cache", ".git", "data", "dist"])
const TEXT = /\.(ts|mts|mjs|js|json|md|yml|yaml|conf|html|css|sql|sh)$|(^|\/)(Dockerfile|run|conclave|\.[a-z]+ignore)$/

/** Every text file of the project, in order of path. */
export const readSources = (root: string): ReadonlyArray<Source> => {
  const list = (folder: string): ReadonlyArray<string> =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = posix.join(folder, entry.name)
      if (NOT_OURS.has(entry.name)) return []
      if (entry.isDirectory()) return list(path)
      return entry.isFile() && TEXT.test(path) ? [path] : []
    })
  return list("")
    .toSorted()
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }))
}

export const isCode = (path: string): boolean => /\.(ts|mts|mjs)$/.test(path)

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"

const children = (node: Node): ReadonlyArray<Node> =>
  Object.values(node).flatMap((value) => (Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : []))

const parsed = new WeakMap<Source, ReadonlyArray<Node>>()

/** All nodes of a source's syntax tree, a parent before its children. */
export const nodesOf = (source: Source): ReadonlyArray<Node> => {
  const known = parsed.get(source)
  if (known !== undefined) return known
  const program: unknown = parseAst(source.text, { lang: source.path.endsWith("ts") ? "ts" : "js" }, source.path)
  const nodes: Array<Node> = []
  const visit = (node: Node): void => {
    nodes.push(node)
    for (const child of children(node)) visit(child)
  }
  if (isNode(program)) visit(program)
  parsed.set(source, nodes)
  return nodes
}

export const lineOf = (source: Source, offset: number): number => source.text.slice(0, offset).split("\n").length

/** `a.b.c` for nested member accesses, a plain name for an identifier, otherwise nothing. */
export const nameOf = (node: unknown): string | undefined => {
  if (!isNode(node)) return undefined
  if (node.type === "Identifier" && typeof node.name === "string") return node.name
  if (node.type !== "MemberExpression" || node.computed === true) return undefined
  const [object, property] = [nameOf(node.object), nameOf(node.property)]
  return object === undefined || property === undefined ? undefined : `${object}.${property}`
}

/** The text of a string literal. */
export const stringOf = (node: unknown): string | undefined =>
  isNode(node) && node.type === "Literal" && typeof node.value === "string" ? node.value : undefined

const IMPORTS = new Set([
  "ImportDeclaration",
  "ExportAllDeclaration",
  "ExportNamedDeclaration",
  "ImportExpression",
  "TSImportType"
])

export interface Import {
  /** As it is written. */
  readonly specifier: string
  /** The path from the root, where the specifier is a relative one. */
  readonly file: string | undefined
  readonly line: number
}

/** What a source imports or exports from elsewhere, types included. */
export const importsOf = (source: Source): ReadonlyArray<Import> =>
  nodesOf(source).flatMap((node) => {
    const specifier = IMPORTS.has(node.type) ? stringOf(node.source) : undefined
    if (specifier === undefined) return []
    const file = specifier.startsWith(".") ? posix.join(dirname(source.path), specifier) : undefined
    return [{ specifier, file, line: lineOf(source, node.start) }]
  })
