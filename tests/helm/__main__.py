"""`make chart`: write what of the chart and its page is made from elsewhere."""

from tests.helm import made

for path, content in made.files().items():
    path.write_text(content, encoding="utf-8")
