"""Shape and options of a model, in one record for every family."""

from dataclasses import dataclass

from jaxalign.models.rope import Rope


@dataclass(frozen=True)
class Config:
    """Shape and options of a model; hashable, so that it can be static under `jax.jit`."""

    family: str  # the file of `jaxalign.models.families` that read it
    vocab: int
    width: int
    num_layers: int
    heads: int
    kv_heads: int
    head_dim: int
    mlp_width: int
    eps: float
    max_length: int  # positions the model was made for
    dtype: str = "float32"  # of parameters and arithmetic; norms and softmax are float32 in any case
    short_sums: bool = False  # long sums over features in pieces, see `jaxalign.models.products`
    causal: bool = True
    default_pooling: str = "last"
    # block
    norm: str = "rms"  # "rms"; "rms_offset": times (1 + scale), Gemma; "rms_float32": scale before the cast; "layer"
    norm_bias: bool = False
    # "pre"; "post": norms after the residual sum, BERT; "both": before and after, Gemma 2; "after": on what is added,
    # OLMo 2; "parallel": one norm for attention and MLP side by side, Cohere; "parallel_two": one each, GPT-NeoX
    order: str = "pre"
    final_norm: bool = True
    activation: str = "silu"
    gated: bool = True
    attention_bias: bool = False  # query, key and value
    output_bias: bool = False
    mlp_bias: bool = False
    residual_scale: float = 1.0  # times what attention and MLP add, Granite
    # norm of queries and keys before RoPE: ""; "shared" by the heads; "each" its own, Cohere; "whole": over all heads
    head_norm: str = ""
    unnormed_first: bool = False  # the first block's attention has no norm, ModernBERT
    experts: int = 0  # 0: a dense MLP in every layer
    experts_per_token: int = 0
    normalize_experts: bool = True  # weights of the chosen experts sum to 1
    # attention
    scale: float = 1.0
    logit_cap: float = 0.0  # 0: none
    windows: tuple[int, ...] = ()  # of each layer: sees tokens nearer than this; 0: sees all; (): no layer has a window
    positions: str = "rope"  # "rope", "alibi", "learned", "sinusoid", "buckets", "disentangled"
    ropes: tuple[Rope, ...] = ()
    rope_kinds: tuple[int, ...] = ()  # index into `ropes` of each layer; () is 0 for all
    rope_interleaved: bool = False  # pairs (0, 1), (2, 3), as Cohere; else halves, as Llama
    buckets: int = 0  # relative position buckets, T5
    bucket_distance: int = 0
    bucket_each_layer: bool = False  # umT5
    relative: tuple[str, ...] = ()  # of "c2p" and "p2c", DeBERTa
    relative_shared: bool = False  # positions go through the maps of queries and keys
    relative_norm: bool = False
    # embedding
    embed_scale: float = 1.0
    embed_norm: bool = False
    position_rows: int = 0  # rows of a learned table
    position_offset: int = 0  # row of position 0
    token_types: int = 0
    pad_token: int = -1  # a padding token inside a text takes row `position_offset - 1` and is not counted, XLM-R
    tied: bool = False  # the output embedding is the input embedding
    # decoder of an encoder-decoder; 0: none
    decoder_layers: int = 0
    decoder_start: int = 0

    @property
    def query_width(self) -> int:
        """Features of all query heads together."""
        return self.heads * self.head_dim

    @property
    def kv_width(self) -> int:
        """Features of all key heads together, or of all value heads."""
        return self.kv_heads * self.head_dim
