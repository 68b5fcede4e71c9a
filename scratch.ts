import { quantOpinion } from "./actors/quant/opinion.ts"
import { regime } from "./actors/tools/regime.ts"
import { toWindow, type Bar } from "./protocols/index.ts"
let s = 12345
const u = () => { s = (s + 0x9e3779b9) >>> 0; let b = Math.imul(s ^ (s >>> 16), 0x85ebca6b); b = Math.imul(b ^ (b >>> 13), 0xc2b2ae35); return ((b ^ (b >>> 16)) >>> 0) / 2 ** 32 }
const g = () => Math.sqrt(-2 * Math.log(1 - u())) * Math.cos(2 * Math.PI * u())
const t5 = () => { let q = 0; for (let i = 0; i < 5; i++) q += g() ** 2; return g() * Math.sqrt(3 / q) }
const BASE = 0.013
type K = { drift: number, vol: number, rev: number, brk?: number }
const R: Record<string, K> = {
  trending_bullish: { drift: 0.15, vol: 0.9, rev: 0 }, trending_bearish: { drift: -0.15, vol: 1.1, rev: 0 },
  strong_bull: { drift: 0.3, vol: 0.9, rev: 0 }, strong_bear: { drift: -0.3, vol: 1.1, rev: 0 },
  sideways: { drift: 0, vol: 0.8, rev: 0.05 }, high_volatility: { drift: -0.03, vol: 2, rev: 0 },
  low_volatility: { drift: 0.02, vol: 0.5, rev: 0 }, mean_reversion: { drift: 0, vol: 1, rev: 0.2 },
  martingale: { drift: 0, vol: 1, rev: 0 },
  breakout_bullish: { drift: 0, vol: 0.7, rev: 0.1, brk: 0.6 }, breakout_bearish: { drift: 0, vol: 0.7, rev: 0.1, brk: -0.6 }
}
const make = (k: K, n = 128) => {
  let p = 100, v = 1; const bars: Bar[] = []; 
  for (let i = 0; i < n; i++) {
    const br = k.brk !== undefined && i >= n - 15
    const sc = BASE * k.vol * Math.sqrt(v) * (br ? 1.3 : 1), sh = t5()
    const j = (br ? k.brk! : k.drift) * BASE + (br ? 0 : k.rev * Math.log(100 / p)) + sc * sh
    const o = p * Math.exp(0.1 * sc * g()); const c = p * Math.exp(j)
    const h = Math.max(o, c) * Math.exp(.5 * sc * Math.abs(g())), l = Math.min(o, c) * Math.exp(-.5 * sc * Math.abs(g()))
    bars.push({ time: 86400000 * i, open: o, high: h, low: l, close: c, volume: 1 })
    v = Math.min(20, 1 - .04 - .04 - .88 + (.04 + (sh < 0 ? .08 : 0)) * v * sh * sh + .88 * v); p = c
  }
  return toWindow(bars)
}
const N = 300
const types = ["market_analyst", "risk_advisor", "strategy_optimizer", "performance_coach", "comprehensive"] as const
for (const [name, k] of Object.entries(R)) {
  const regs: Record<string, number> = {}; const decs: Record<string, Record<string, number>> = {}
  for (let i = 0; i < N; i++) {
    const w = make(k)
    const m = regime.measure({ bars: w, past: [] }, { minimum: 60, high_volatility: .4, low_volatility: .15 })
    if (m._tag === "Measured") regs[m.value.regime] = (regs[m.value.regime] ?? 0) + 1
    for (const t of types) { const d = quantOpinion(t, { bars: w }, { executionPrefix: "x", now: () => 0 }).decision; (decs[t] ??= {})[d] = (decs[t]![d] ?? 0) + 1 }
  }
  console.log(name.padEnd(18), Object.entries(regs).sort((a, b) => b[1] - a[1]).map(([a, b]) => `${a} ${(100 * b / N).toFixed(0)}`).join(", "))
  for (const t of types) console.log("    ", t.padEnd(20), ["BUY", "SELL", "HOLD"].map((d) => `${d} ${(100 * (decs[t]![d] ?? 0) / N).toFixed(0)}`).join(" "))
}
const w = make(R.martingale!)
for (const t of types) { for (let i = 0; i < 300; i++) quantOpinion(t, { bars: w }, { executionPrefix: "x", now: () => performance.now() }); const a = performance.now(); for (let i = 0; i < 1000; i++) quantOpinion(t, { bars: w }, { executionPrefix: "x", now: () => performance.now() }); console.log(t, (performance.now() - a).toFixed(0), "us") }
console.log(quantOpinion("comprehensive", { bars: make(R.strong_bull!) }, { executionPrefix: "x", now: () => 0, unavailable: new Set(["rsi","adx","regime","atr"]) }))
