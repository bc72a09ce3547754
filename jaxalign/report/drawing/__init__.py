"""Static figures of the report as SVG: `svg` draws one, `figures` and `marks` say what is drawn."""
