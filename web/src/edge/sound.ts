/** A short, soft sound for a new message, made on the spot: no file has to be loaded for it. */

const BLIP_EVERY_MS = 700;

let context: AudioContext | null = null;
let lastMs = 0;

export function blip(): void {
  const now = performance.now();
  if (now - lastMs < BLIP_EVERY_MS || !("AudioContext" in globalThis)) return;
  lastMs = now;
  context ??= new AudioContext();
  // Browsers let no page be heard before it was touched.
  void context.resume().catch(() => undefined);
  tone(context, 660, 0);
  tone(context, 880, 0.09);
}

function tone(audio: AudioContext, hertz: number, delayS: number): void {
  const start = audio.currentTime + delayS;
  const oscillator = audio.createOscillator();
  const gain = audio.createGain();
  oscillator.frequency.value = hertz;
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(0.06, start + 0.015);
  gain.gain.exponentialRampToValueAtTime(0.0005, start + 0.22);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start(start);
  oscillator.stop(start + 0.25);
}
