"""The pages, one module each: they read, they call `console.actions`, and they render."""
