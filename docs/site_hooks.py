"""Takes the cards of the released models, which live in zoo/, into the site, as `released/`."""

import pathlib

from mkdocs.structure.files import File

ZOO = pathlib.Path(__file__).parents[1] / "zoo"


def on_files(files, config):
    """Called by MkDocs with the files of docs/."""
    for file in [ZOO / "README.md", *sorted(ZOO.glob("*/README.md")), *sorted(ZOO.glob("*/picture.png"))]:
        name = file.relative_to(ZOO).as_posix()
        files.append(File.generated(config, f"released/{name}", abs_src_path=str(file)))
    return files


def on_page_markdown(markdown, **_):
    """Called by MkDocs with the text of each page: what leads to zoo/ in the repository leads to the site's pages."""
    return markdown.replace("](../zoo/", "](released/")
