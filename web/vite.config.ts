import tailwindcss from "@tailwindcss/vite";
import solid from "vite-plugin-solid";
import { defineConfig } from "vitest/config";

/** Where a bridge listens while the page is worked on with `npx vite`. */
const bridge = process.env.CHAT_WEB ?? "http://127.0.0.1:8080";

export default defineConfig(({ mode }) => ({
  plugins: mode === "test" ? [] : [solid(), tailwindcss()],
  build: {
    target: "es2022",
    // The page's policy allows no `data:` scripts or styles; every asset is a file with a hashed name.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // Its output is a twentieth smaller, and the first load has a budget.
    minify: "terser",
    terserOptions: { ecma: 2020, module: true, compress: { passes: 3 } },
  },
  server: {
    proxy: {
      "/ws": { target: bridge, ws: true },
      "/send": bridge,
      "/poll": bridge,
    },
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
}));
