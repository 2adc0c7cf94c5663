"""How the page looks. Nothing is loaded from elsewhere: the fonts are those that Gradio serves itself."""

import gradio as gr

THEME = gr.themes.Default(
    # Gradio's semi-bold files hold some fifty characters; bold is whole and stands in for it.
    font=[gr.themes.LocalFont("Source Sans Pro", weights=(400, 700)), "system-ui", "sans-serif"],
    font_mono=[gr.themes.LocalFont("IBM Plex Mono", weights=(400,)), "ui-monospace", "monospace"],
)
CSS = """
.beside h3 {margin: 0 0 8px; font-size: var(--text-md)}
.card {border: 1px solid var(--border-color-primary); border-radius: var(--radius-lg); padding: 10px 14px;
       margin-bottom: 8px; background: var(--background-fill-secondary); overflow-wrap: anywhere}
.card h4 {margin: 0 0 4px; font-size: var(--text-md)}
.card p {margin: 6px 0 0; font-size: var(--text-sm); line-height: 1.45}
.card dl {display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 0; font-size: var(--text-sm)}
.card dl div {display: flex; gap: 6px}
.card dt, .nothing {color: var(--neutral-500)}
.card dd {margin: 0; font-family: var(--font-mono)}
"""
