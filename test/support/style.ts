// The rules of the house that formatter, linter and compiler do not know. Each is a function from sources to complaints.
import { posix } from "node:path"
import { importsOf, isCode, lineOf, type Node, nameOf, nodesOf, type Source, stringOf } from "./sources.ts"

const FILE_LINES_MAX = 300
const FUNCTION_LINES_MAX = 70

const at = (source: Source, offset: number) => `${source.path}:${lineOf(source, offset)}`

/** A file has at most 300 lines. */
export const fileLength = (source: Source): ReadonlyArray<string> => {
  const lines = source.text.trimEnd().split("\n").length
  return lines > FILE_LINES_MAX ? [`${source.path}: ${lines} lines, at most ${FILE_LINES_MAX}`] : []
}

const FUNCTIONS = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"])

/** The blocks that gather tests are as long as they have tests. */
const isTestBlock = (node: Node): boolean => {
  if (node.type !== "CallExpression") return false
  const callee = node.callee
  const name = nameOf(callee) ?? nameOf(Object(callee).callee)
  return name !== undefined && /^(describe|layer|it\.layer)\b/.test(name)
}

/** A function has at most 70 lines. */
export const functionLength = (source: Source): ReadonlyArray<string> => {
  const blocks = new Set<unknown>(nodesOf(source).flatMap((node) => (isTestBlock(node) ? Object(node.arguments) : [])))
  return nodesOf(source).flatMap((node) => {
    if (!FUNCTIONS.has(node.type) || blocks.has(node)) return []
    const lines = lineOf(source, node.end) - lineOf(source, node.start) + 1
    return lines > FUNCTION_LINES_MAX
      ? [`${at(source, node.start)}: ${lines} lines, at most ${FUNCTION_LINES_MAX}`]
      : []
  })
}

// Written so that they do not find themselves.
const LEFTOVERS = [/\bTO{1}DO\b/, /\bFIX{1}ME\b/, /\bX{3}\b/, /@ts-(?:ignore|nocheck)\b/]

// In a test it says that a mistake must not compile, and the compiler complains if it does.
const LEFTOVERS_BUT_IN_TESTS = [...LEFTOVERS, /@ts-expect-erro{1}r\b/]

/** Nothing is left to do, and no check is switched off. */
export const leftovers = (source: Source): ReadonlyArray<string> => {
  const patterns = source.path.startsWith("test/") ? LEFTOVERS : LEFTOVERS_BUT_IN_TESTS
  const inText = source.text.split("\n").flatMap((line, index) =>
    patterns.flatMap((pattern) => {
      const found = pattern.exec(line)
      return found === null ? [] : [`${source.path}:${index + 1}: ${found[0]}`]
    })
  )
  const inCode = nodesOf(source).flatMap((node) => {
    if (node.type === "TSAnyKeyword") return [`${at(source, node.start)}: any`]
    if (node.type === "CallExpression" && nameOf(node.callee)?.endsWith(".only"))
      return [`${at(source, node.start)}: .only`]
    return []
  })
  return [...inText, ...inCode]
}

const PURE_ROOMS = /^(runtime|actors|sim)\//
const IMPURE = new Set([
  "Date.now",
  "Math.random",
  "performance.now",
  "setTimeout",
  "setInterval",
  "crypto.randomUUID",
  "randomUUID"
])

/** Time and chance come from Effect, so that the simulation has them in its hand. */
export const timeAndChance = (source: Source): ReadonlyArray<string> => {
  if (!PURE_ROOMS.test(source.path)) return []
  return nodesOf(source).flatMap((node) => {
    const name = node.type === "MemberExpression" ? nameOf(node) : nameOf(node.callee)
    const isClock = node.type === "NewExpression" && name === "Date" && Object(node.arguments).length === 0
    const plain = name?.replace(/^globalThis\./, "")
    if (isClock) return [`${at(source, node.start)}: new Date()`]
    return plain !== undefined && IMPURE.has(plain) ? [`${at(source, node.start)}: ${name}`] : []
  })
}

// The template is a program of somebody else.
const READS_ENVIRONMENT =
  /^(cli\/config\.ts$|server\/environment\.ts$|packages\/conclave\/template\/|setup\/|test\/|vitest\.config\.ts$)/

/** The environment is read in cli/config.ts only, and handed on by server/environment.ts. */
export const environment = (source: Source): ReadonlyArray<string> => {
  if (READS_ENVIRONMENT.test(source.path)) return []
  return nodesOf(source).flatMap((node) => {
    const isMember = node.type === "MemberExpression" && /(^|\.)process\.env$/.test(nameOf(node) ?? "")
    const isImport =
      node.type === "ImportSpecifier" && nameOf(node.imported) === "env" && /["'](node:)?process["']/.test(source.text)
    return isMember || isImport ? [`${at(source, node.start)}: process.env`] : []
  })
}

// As with the leftovers, no pattern finds itself.
const PLACES = [
  /(?<![\w.])\/(?:home|Users)\/[A-Za-z]/,
  /(?<![\w.])\/ro{2}t\b/,
  /\b(?:registry|deb|mirrors?)(?:\.[a-z0-9-]+){1,3}\.[a-z]{2,}\b/i
]

/** No path of somebody's machine, and no host of a package registry. */
export const machines = (source: Source): ReadonlyArray<string> =>
  source.text.split("\n").flatMap((line, index) =>
    PLACES.flatMap((pattern) => {
      const found = pattern.exec(line)
      return found === null ? [] : [`${source.path}:${index + 1}: ${found[0]}`]
    })
  )

/** A source file is imported by something, started by something, or a test. */
export const deadFiles = (sources: ReadonlyArray<Source>): ReadonlyArray<string> => {
  const code = sources.filter(({ path }) => isCode(path))
  const imported = new Set(
    code.flatMap((source) => importsOf(source).flatMap(({ file }) => (file === undefined ? [] : [file])))
  )
  // A file that is started is named by its path: in package.json, in a script, or in the code that starts it.
  const named = new Set(
    sources
      .flatMap((source) => (isCode(source.path) ? namesInCode(source) : namesInText(source)))
      .map((path) => posix.basename(path))
  )
  return code.flatMap(({ path }) => {
    const alive =
      imported.has(path.replace(/\.d\.mts$/, ".mjs")) ||
      named.has(posix.basename(path)) ||
      /\.test\.ts$|(^|\/)vitest\.config\.ts$|^[a-z]+\/(index|main)\.ts$/.test(path)
    return alive ? [] : [`${path}: nothing imports or starts it`]
  })
}

const namesInCode = (source: Source): ReadonlyArray<string> => {
  const imports = new Set(importsOf(source).map(({ specifier }) => specifier))
  return nodesOf(source)
    .map(stringOf)
    .filter((text) => text !== undefined && /\.(ts|mjs)$/.test(text) && !imports.has(text))
    .filter((text) => text !== undefined)
}

const namesInText = (source: Source): ReadonlyArray<string> =>
  source.path.endsWith(".md") ? [] : (source.text.match(/[\w./-]+\.(?:ts|mjs)\b/g) ?? [])

const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number} _-]/gu, "")
    .replaceAll(" ", "-")

const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, "")

/** A link in the documentation leads to a file that is there, and to a heading in it. `exists` knows all files and folders. */
export const links = (sources: ReadonlyArray<Source>, exists: (path: string) => boolean): ReadonlyArray<string> => {
  const pages = new Map(sources.map((source) => [source.path, source]))
  const headings = (page: Source) => [...page.text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading))
  return [...pages.values()].flatMap((page) => {
    if (!page.path.endsWith(".md")) return []
    return [...withoutCode(page.text).matchAll(/\]\(([^)\s]+)[^)]*\)/g)].flatMap(([, link = ""]) => {
      if (/^[a-z]+:/.test(link)) return []
      const [file = "", anchor] = link.split("#")
      const target = file === "" ? page.path : posix.join(posix.dirname(page.path), file)
      if (!exists(target)) return [`${page.path}: ${link} does not exist`]
      const text = pages.get(target)
      const missing = anchor !== undefined && text !== undefined && !headings(text).includes(anchor)
      return missing ? [`${page.path}: ${link} has no such heading`] : []
    })
  })
}
