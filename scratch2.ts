import { TOOLS } from "./actors/tools/registry.ts"
import { useTool } from "./actors/tools/use.ts"
const n = 128, c = Array.from({ length: n }, (_, i) => 100 + 10 * Math.sin(i / 7) + i / 5)
const bars = { time: c.map((_, i) => i * 86400000), open: c, high: c.map((x) => x * 1.01), low: c.map((x) => x * .99), close: c, volume: c }
for (const t of TOOLS) { const r = useTool(t, {}, { bars, past: [] }, { executionId: "x", now: () => performance.now() }); console.log(t.name, r.status, r.error_message ?? JSON.stringify(r.result)) }
