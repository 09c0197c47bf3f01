"""Fit the weights of the hand-written signs that loopbot ships (loopbot/judgement/topic_weights.json).

    python -m tools.fit_topics ../shared/data

Only the signs have weights: structure and hand-written cue phrases. No word, name or line of any data is kept. Examples written
here by hand, in several languages, stand beside the public sets so that short texts and questions count as well.
"""

import csv
import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from loopbot.judgement.calibration import fit_temperature
from loopbot.judgement.topic_learning import Example, Recipe, learn
from loopbot.judgement.topic_model import Linear, read
from loopbot.judgement.topic_shipped import FILE, encoded

RECIPE = Recipe(looseness=0.25, epochs=12, words=False)

WRITTEN = {
    "bug": """The export crashes when I press save|Login does not work since the update|I get an error 500 when opening the report
The page stays blank after logging in|Wrong total on the invoice, tax is counted twice|Search returns nothing although the item exists
App freezes on the second screen|Cannot upload files larger than 2 MB, it fails with a timeout|The date is shown in the wrong format
Der Export stürzt ab, wenn ich speichere|Anmeldung funktioniert nicht seit dem Update|Fehlermeldung beim Öffnen der Datei
L'application plante au démarrage|Je ne peux plus me connecter depuis la mise à jour|Le bouton ne fonctionne pas
La aplicación se cierra sola al abrir|No funciona la búsqueda desde la última actualización|Me sale un error al guardar
O aplicativo trava ao abrir o relatório|Não consigo entrar, aparece um erro|O botão não funciona depois da atualização
L'app si blocca quando salvo|Non funziona la ricerca|Printing fails: the printer queue stays empty
VPN disconnects every few minutes|Emails are sent twice to every customer
Export is broken|The export fails|Search is slow|Checkout is down|Broken link on the start page|Report is wrong|Login fails|Bug in the calendar|Totals in the dashboard are incorrect after midnight""",
    "feature": """Please add a dark mode|It would be nice to export to Excel|Add an option to sort by date|Support for single sign-on
Could you add keyboard shortcuts?|I wish I could filter by team|Allow users to change their own password|We need a way to undo a delete
Would it be possible to add a calendar view?|Please make the font size configurable|Suggestion: show the status in the list
Es wäre schön, wenn man nach Datum sortieren könnte|Bitte einen Export nach Excel einbauen|Ich wünsche mir einen Dunkelmodus
Ce serait bien de pouvoir exporter en PDF|Merci d'ajouter un mode sombre|J'aimerais pouvoir trier par date
Sería genial poder exportar a Excel|Por favor agreguen un modo oscuro|Me gustaría tener la opción de filtrar
Seria bom poder exportar para PDF|Gostaria de uma opção para filtrar|Por favor adicionem um modo escuro
Sarebbe bello poter esportare in PDF|Vorrei un'opzione per filtrare|Ability to attach several files at once
A bulk edit would save us a lot of time|Bring back the old sort order as an option|Integrate with our calendar""",
    "question": """How do I reset my password?|Where can I find the invoice?|Is it possible to export to Excel?|What does the status pending mean?
Can I use this on two computers?|Which browsers are supported?|How can I add a colleague to my team?|Who do I ask for access to the report?
Why do I have to log in again every day?|When will the maintenance be over?|I am new here and do not know how to start, any help?
How to configure the proxy|Do I need a licence for the test system?|Need help with setting up my mailbox
Wie kann ich mein Passwort ändern?|Wo finde ich die Rechnung?|Frage: gibt es eine Anleitung für den Export?
Comment puis-je changer mon mot de passe ?|Où trouver la facture ?|Est-ce possible d'exporter en Excel ?
¿Cómo puedo cambiar mi contraseña?|¿Dónde encuentro la factura?|¿Es posible exportar a Excel?
Como posso mudar a minha senha?|Onde encontro a fatura?|É possível exportar para Excel?
Come posso cambiare la password?|Dove trovo la fattura?|Is there a guide for new users?
Does anyone know whether the report includes VAT?|What is the difference between the two plans?""",
    "praise": """I love the new reports|Great work, thank you|The new search is excellent|Works perfectly, very happy with it|Thanks for the quick fix
Best tool we have ever used|Really nice update, well done|Super easy to use, five stars|The team was very helpful, thank you
Ich bin begeistert, tolle Arbeit|Sehr gut, gefällt mir|Danke, alles klappt wunderbar|J'adore la nouvelle version, merci
Excellent, très facile à utiliser|Me encanta la nueva versión|Excelente trabajo, gracias|Adorei a nova versão, muito bom
Ótimo trabalho, obrigado|Ottimo lavoro, mi piace molto|Awesome, this saves me hours|Amazing support, keep it up""",
    "complaint": """This is unacceptable, nobody answers|Terrible experience, I am very disappointed|The new design is awful|Waste of money
I have been waiting for weeks and nobody cares|Support is useless|Worst update ever, go back to the old one|So many ads, it is annoying
Far too expensive for what it does|Nobody told us that the service would be down again, this is frustrating|I am fed up with this
Das ist eine Frechheit, niemand meldet sich|Sehr enttäuscht von diesem Update|Furchtbar, das nervt nur noch
C'est nul, je suis très déçu|Service mauvais, personne ne répond|Es una vergüenza, muy decepcionado|Pésimo servicio, nadie responde
Péssimo, estou muito decepcionado|Que lixo, ninguém responde|Pessimo servizio, sono deluso|Horrible new layout, I hate it|Ridiculous prices""",
}


def written() -> Iterator[Example]:
    """The examples of this file."""
    for topic, text in WRITTEN.items():
        for said in text.replace("\n", "|").split("|"):
            yield Example(read(said, ""), topic, weight=3.0)
            yield Example(read("", said), topic, weight=3.0)


def tracked(folder: Path) -> Iterator[tuple[str, Example]]:
    """Issues of trackers: the repository, and the example."""
    for row in rows(folder / "nlbse24_issues.csv.gz"):
        yield row["repo"], Example(read(row["title"], row["body"]), row["label"])


def reviewed(folder: Path) -> Iterator[Example]:
    """App reviews; what is neither bug nor wish is praise or complaint by the stars that came with it."""
    topics = {"BUG": "bug", "PERFORMANCE": "bug", "ENERGY": "bug", "SECURITY": "bug", "FEATURE": "feature"}
    stars = {"5": "praise", "4": "praise", "2": "complaint", "1": "complaint"}
    for row in rows(folder / "feedback_scalabrino_rq1.csv.gz"):
        topic = topics.get(row["category"]) or (stars.get(row["rating"]) if row["category"] == "OTHER" else None)
        if topic:
            yield Example(read("", row["review"]), topic)
    for row in rows(folder / "feedback_marc.csv.gz"):
        topic = {"BugReport": "bug", "FeatureRequest": "feature"}.get(row["label"])
        if topic:
            yield Example(read("", row["text"]), topic, weight=0.5)


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a gzipped CSV."""
    csv.field_size_limit(10_000_000)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def balanced(examples: list[Example]) -> list[Example]:
    """The same, each topic weighing alike, so that how often it stood in the sets is not learnt."""
    sums = Counter[str]()
    for one in examples:
        sums[one.topic] += one.weight  # type: ignore[assignment]  # a counter of weights
    whole = sum(sums.values()) / len(sums)
    return [
        Example(one.text, one.topic, one.weight * min(max((whole / sums[one.topic]) ** 0.5, 0.5), 2.0))
        for one in examples
    ]


def main(folder: Path) -> None:
    """Fit, calibrate on repositories and parts that were left out, and write the file."""
    issues, others = list(tracked(folder)), [*reviewed(folder), *written()]
    held: list[tuple[tuple[float, ...], int]] = []
    for repository in sorted({name for name, _ in issues}):
        model = learn(balanced([*(one for name, one in issues if name != repository), *others]), RECIPE)
        held += [_scored(model, one) for name, one in issues if name == repository]
    for place in range(5):
        model = learn(
            balanced([*(one for _, one in issues), *(o for i, o in enumerate(others) if i // 2 % 5 != place)]), RECIPE
        )
        held += [_scored(model, one) for i, one in enumerate(others) if i // 2 % 5 == place]
    temperature = fit_temperature([scores for scores, _ in held], [truth for _, truth in held])
    right = sum(max(range(len(s)), key=s.__getitem__) == t for s, t in held) / len(held)
    model = learn(balanced([*(one for _, one in issues), *others]), RECIPE)
    FILE.write_text(encoded(model, temperature), encoding="utf-8")
    told = {"examples": model.labels, "right when left out": right, "temperature": temperature.value}
    sys.stdout.write(json.dumps(told) + "\n")


def _scored(model: Linear, one: Example) -> tuple[tuple[float, ...], int]:
    return model.scores(one.text), model.topics.index(one.topic)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))
