"""The page: a question, a streamed answer, who gave it, and the rows it should agree with."""

from collections.abc import Iterator
from html import escape

import gradio as gr

from data_lake.errors import RoundhouseError
from tasks.prompts import QUESTIONS
from tasks.search import Source
from ui.service import PROMOTED, Service, Speaker

_HEADERS = ["uid", "title", "shard", "description"]
_DESCRIPTION = 160


def build_page(service: Service) -> gr.Blocks:
    """The page's layout and what happens when somebody asks."""
    with gr.Blocks(title="Roundhouse", analytics_enabled=False) as page:
        gr.Markdown("# Roundhouse\nAsk about a product. The newest promoted round answers.")
        with gr.Row():
            choice = gr.Dropdown(service.choices(), value=PROMOTED, label="Who answers", scale=1)
            speaker = gr.Markdown("", elem_id="speaker")
        chat = gr.Chatbot(label="Answers", elem_id="chat", height=320)
        question = gr.Textbox(
            label="Question", placeholder=QUESTIONS[2].format(title="…"), elem_id="question", submit_btn="Ask"
        )
        sources = gr.Dataframe(headers=_HEADERS, label="In the catalogue", interactive=False, wrap=True)

        def respond(asked: str, history: list[dict], chosen: str) -> Iterator[tuple]:
            if not asked.strip():
                raise gr.Error("Type a question first.", duration=5)
            history = [*history, {"role": "user", "content": escape(asked)}, {"role": "assistant", "content": "…"}]
            rows = _rows(service.sources(asked))
            yield "", history, "", rows
            try:
                for text, who in service.answer(asked, chosen):
                    history[-1] = {"role": "assistant", "content": escape(text) or "…"}
                    yield "", history, _told(who), rows
            except RoundhouseError as error:
                raise gr.Error(str(error), duration=None) from error

        question.submit(respond, [question, chat, choice], [question, chat, speaker, sources], concurrency_limit=1)
        page.load(lambda: gr.Dropdown(choices=service.choices()), None, choice)
    return page


def _rows(sources: list[Source]) -> list[list[str]]:
    return [[row.uid or "", row.title, row.shard, _shortened(row.content)] for row in sources]


def _shortened(text: str) -> str:
    return text if len(text) <= _DESCRIPTION else f"{text[:_DESCRIPTION]}…"


def _told(speaker: Speaker) -> str:
    return f"**{speaker.name}** at revision `{speaker.revision[:12]}`"
