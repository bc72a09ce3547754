"""Families of languages by code, so that a page of many languages can be filtered.

Names of families as in common use; an isolate is a family of one. ISO 639-1 codes where a language has one.
"""

from jaxalign.languages import canonical

_MEMBERS = {
    "Afro-Asiatic": "aa am ar arz ary apc ha he kab mt om shi so ti",
    "Ainu": "ain",
    "Austroasiatic": "kha km vi",
    "Austronesian": "ace ban bug ceb ch fj haw ho id ilo jv mg mh mi min ms na pag pam su sm to tl ty war",
    "Basque": "eu",
    "Creole languages": "bi ht pap sg tpi",
    "Constructed languages": "eo ia ie io jbo vo",
    "Dravidian": "kn ml ta tcy te",
    "Eskimo-Aleut": "ik iu kl",
    "Indo-European": (
        "ae af an ang as ast bar be bg bho bn br bs ca co cs csb cu cy da de dsb dv el en es fa fo fr frp fur fy "
        "ga gd gl got grc gu gv hi hr hsb hy is it kok ks ku kw la lb li lt ltg lv mai mk mr mzn nap nb nds ne nl nn "
        "no oc or os pa pi pl pms ps pt rm ro ru rue sa sc scn sco sd si sk sl sq sr sv szl tg uk ur vec wa yi zza"
    ),
    "Atlantic-Congo": (
        "ak bem bm ee ff fon hz ig kg ki kj kmb ln lg lu lua mos nd ng nr nso ny rn rw sn ss st sw tn ts tum tw umb ve "
        "wo xh yo zu"
    ),
    "Japonic": "ja ryu",
    "Kartvelian": "ka xmf",
    "Koreanic": "ko",
    "Mongolic": "bxr mn xal",
    "Na-Dene": "nv",
    "Nakh-Daghestanian": "av ce lez",
    "Algic": "cr oj",
    "Abkhaz-Adyge": "ab ady kbd",
    "Nilo-Saharan": "din kr luo nus",
    "Quechuan": "qu",
    "Aymaran": "ay",
    "Sino-Tibetan": "bo dz hak ii lzh mni my nan wuu yue zh",
    "Tai-Kadai": "lo shn th za",
    "Tupian": "gn",
    "Tungusic": "mnc",
    "Turkic": "az ba crh cv gag kaa kk ky sah tk tr tt tyv ug uz",
    "Uralic": "et fi hu kv mhr mrj myv olo se udm vep vro",
    "Uto-Aztecan": "nah",
    "Mayan": "kek quc yua",
    "Hmong-Mien": "hmn",
}
_FAMILY_OF = {code: family for family, codes in _MEMBERS.items() for code in codes.split()}


def family(language: str) -> str:
    """The family of a language by any of its codes: `Uralic` for `fi`; "" where it is not known."""
    return _FAMILY_OF.get(canonical(language).split("-")[0], "")
