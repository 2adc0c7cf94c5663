"""The page: a question, a streamed answer, who gave it, and the rows it should agree with."""

from collections.abc import Iterator
from html import escape

import gradio as gr

from data_lake.errors import RoundhouseError
from tasks.prompts import QUESTIONS
from ui.cards import source_cards, speaker_card
from ui.service import PROMOTED, Service

_WAITING = "…"


def build_page(service: Service) -> gr.Blocks:
    """The page's layout and what happens when somebody asks."""
    with gr.Blocks(title="Roundhouse", analytics_enabled=False) as page:
        gr.Markdown("# Roundhouse\nAsk about a product. The promoted round answers, beside the rows of the catalogue.")
        with gr.Row():
            with gr.Column(scale=3):
                # No copy button: it would copy the escaped text.
                chat = gr.Chatbot(
                    label="Answers",
                    elem_id="chat",
                    height="62vh",
                    min_height=280,
                    render_markdown=False,
                    latex_delimiters=[],
                    buttons=[],
                )
                question = gr.Textbox(
                    label="Question",
                    placeholder=QUESTIONS[2].format(title="…"),
                    elem_id="question",
                    submit_btn="Ask",
                )
            with gr.Column(scale=2):
                choice = gr.Dropdown(
                    service.choices(), value=PROMOTED, label="Who answers", elem_id="choice", filterable=False
                )
                speaker = gr.HTML(speaker_card(None), elem_id="speaker")
                sources = gr.HTML(source_cards(None), elem_id="sources")

        def respond(asked: str, history: list[dict], chosen: str) -> Iterator[tuple]:
            yield from _respond(service, asked, history, chosen)

        asking = question.submit(
            respond,
            [question, chat, choice],
            [question, chat, speaker, sources],
            concurrency_limit=1,
            show_progress="hidden",
            api_visibility="private",
        )
        refresh = {"fn": lambda: gr.Dropdown(choices=service.choices()), "outputs": choice, "api_visibility": "private"}
        page.load(**refresh, show_progress="hidden")
        asking.then(**refresh, show_progress="hidden")  # a round trained meanwhile can be chosen next
    return page


def _respond(service: Service, asked: str, history: list[dict], chosen: str) -> Iterator[tuple]:
    """Yields question box, conversation, speaker and sources as the answer grows.

    What people and models write is escaped: without Markdown, Gradio still renders the HTML in a message.
    """
    if not asked.strip():
        gr.Warning("Type a question first.", duration=5)
        yield (gr.skip(),) * 4
        return
    answer = {"role": "assistant", "content": _WAITING}
    history = [*history, {"role": "user", "content": escape(asked)}, answer]
    rows, card, signature = source_cards(service.sources(asked)), speaker_card(None), ""
    yield "", history, card, rows
    try:
        for text, who in service.answer(asked, chosen):
            card, signature = speaker_card(who), f"\n\n— {who.name}, {who.revision[:12]}"
            answer["content"] = escape(text) or _WAITING
            yield "", history, card, rows
        # Each answer keeps its author: who is asked may change in mid-conversation.
        answer["content"] += signature
    except RoundhouseError as error:
        answer["content"] = escape(str(error))
    yield "", history, card, rows
