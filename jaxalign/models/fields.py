"""config.json as fields: which were read, which change nothing, and a warning for every other."""

import json
import re
from pathlib import Path
from typing import Any

from jaxalign.types import InputError

AGAIN = "Download the file again, or change --models."
ACTIVATIONS = {
    "silu": "silu",
    "swish": "silu",
    "relu": "relu",
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "xielu": "xielu",
}
# Fields that change no hidden state of a single forward pass, whatever the family.
HARMLESS = frozenset(
    # what the file is, who wrote it, in which precision, for which runtime
    "architectures model_type transformers_version torch_dtype dtype _name_or_path _model_name_or_path name_or_path "
    "use_bfloat16 torchscript tokenizer_class model_name is_local onnx_export unsloth_version unsloth_fixed "
    "adapters_config_type use_flash_attn attn_implementation _attn_implementation _attn_implementation_autoset "
    "_flash_attn_2_enabled experts_implementation _experts_implementation use_mem_eff_attention "
    "use_memory_efficient_attention unpad_inputs "
    "pretraining_tp slow_but_exact base_model_tp_plan base_model_pp_plan transformers.js_config "
    # caches, outputs, chunks of the computation
    "use_cache cache_implementation return_dict use_return_dict output_attentions output_hidden_states "
    "output_past gradient_checkpointing chunk_size_feed_forward output_router_logits "
    # initial values and regularisation, which only training uses
    "initializer_range initializer_factor init_std init_method dropout dropout_rate attention_dropout "
    "activation_dropout classifier_dropout classifier_dropout_prob hidden_dropout hidden_dropout_prob "
    "attention_probs_dropout_prob resid_pdrop embd_pdrop attn_pdrop resid_dropout embd_dropout pooler_dropout "
    "layerdrop "
    "encoder_layerdrop decoder_layerdrop qa_dropout seq_classif_dropout router_aux_loss_coef router_jitter_noise "
    # the output embedding and what stands on top of the states
    "tie_word_embeddings tie_encoder_decoder tie_weights_ final_logit_softcapping logit_scale logits_scaling "
    "id2label label2id num_labels problem_type finetuning_task task_specific_params directionality "
    "pooler_fc_size pooler_num_attention_heads pooler_num_fc_layers pooler_size_per_head pooler_type "
    "pooler_hidden_act "
    "pooler_hidden_size summary_type summary_use_proj summary_activation summary_proj_to_labels "
    "summary_first_dropout "
    "classifier_pooling classifier_bias classifier_activation score_bias max_seq_length cross_attention_hidden_size "
    # tokens and generation
    "pad_token_id bos_token_id eos_token_id sep_token_id cls_token_id mask_token_id unk_token_id "
    "decoder_start_token_id prefix suffix max_length min_length do_sample early_stopping num_beams num_beam_groups "
    "diversity_penalty temperature top_k top_p typical_p repetition_penalty length_penalty no_repeat_ngram_size "
    "encoder_no_repeat_ngram_size bad_words_ids num_return_sequences output_scores return_dict_in_generate "
    "forced_bos_token_id forced_eos_token_id remove_invalid_values exponential_decay_length_penalty suppress_tokens "
    "begin_suppress_tokens tf_legacy_loss special_tokens_map generation_config".split()
)
BIDIRECTIONAL_CLASS = re.compile(r"Bi(Model|For|directional|direc|Encoder)")


class Fields(dict[str, Any]):
    """The fields of a config.json over a family's defaults; remembers which were read, and collects warnings."""

    def __init__(self, raw: dict[str, Any], source: "Fields | None" = None):
        super().__init__(raw)
        self.used: set[str] = set() if source is None else source.used
        self.warnings: list[str] = [] if source is None else source.warnings

    def __getitem__(self, name: str) -> Any:
        self.used.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Returns a field, or `default` where it is left out, and remembers that it was read."""
        self.used.add(name)
        return super().get(name, default)

    def changed(self, changes: dict[str, Any]) -> "Fields":
        """Returns these fields with others in place of some."""
        return Fields({**self, **changes}, self)

    def text(self, part: dict[str, Any], defaults: dict[str, Any]) -> "Fields":
        """Returns the fields of a model's `text_config` over `defaults`; null stands for a field that is left out."""
        named = {name: value for name, value in part.items() if value is not None}
        return Fields({"model_type": self["model_type"], **defaults, **named}, self)

    def over(self, defaults: dict[str, Any]) -> "Fields":
        """Returns these fields, with `defaults` for those that are left out."""
        return Fields({**defaults, **self}, self)


def read_json(folder: Path) -> dict[str, Any]:
    """Returns the fields of `folder`/config.json."""
    path = folder / "config.json"
    if not path.is_file():
        raise InputError(f"Expected a config.json in {folder}, got none. Give --models a checkpoint's folder.")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(f"Expected JSON in {path}, got {error}. {AGAIN}") from error
    if not isinstance(raw, dict):
        raise InputError(f"Expected an object in {path}, got {type(raw).__name__}. {AGAIN}")
    return raw


def need(raw: dict[str, Any], *names: str) -> Any:
    """Returns the first of the fields `names` (new and old spelling of one thing) that config.json has."""
    values = [(name, raw.get(name)) for name in names]
    for name, value in values:
        if value is not None:
            if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                raise InputError(f"Expected a positive number '{name}' in config.json, got {value!r}. {AGAIN}")
            return value
    spelled = " or ".join(f"'{name}'" for name in names)
    raise InputError(
        f"Expected the field {spelled} in config.json of a {raw.get('model_type')!r} model, got none. "
        "Download the file again, write the field, or change --models."
    )


def expect(raw: dict[str, Any], name: str, *values: Any) -> None:
    """Raises InputError if config.json sets the field `name` to anything except `values`, the usual one first."""
    value = raw.get(name)
    if value is not None and value not in values:
        raise InputError(
            f"Expected {name!r} = {values[0]!r} in config.json of a {raw.get('model_type')!r} model, got {value!r}: "
            "this variant is not supported. Choose another of --models."
        )


def activation(name: str) -> str:
    """Returns our name of the activation that config.json calls `name`."""
    if name not in ACTIVATIONS:
        raise InputError(
            f"Expected an activation of {sorted(ACTIVATIONS)}, got {name!r} in config.json. Choose another of --models."
        )
    return ACTIVATIONS[name]


def warnings_of(raw: dict[str, Any], fields: Fields, harmless: tuple[str, ...]) -> tuple[str, ...]:
    """Returns a sentence for each field of `raw` that nothing read and that is not known to change nothing."""
    unknown = sorted(set(raw) - fields.used - HARMLESS - set(harmless))
    # An option of other code that is off changes nothing: None, false and empty values say no more than that.
    unknown = [name for name in unknown if not (raw[name] is None or raw[name] is False or raw[name] in ([], {}))]
    warnings = [
        f"config.json of this {raw.get('model_type')!r} model has the field {name!r} = {str(raw[name])[:80]}, which "
        "jaxalign does not know: hidden states may differ from those of the model's own code."
        for name in unknown
    ]
    for name in raw.get("architectures") or ():
        if isinstance(name, str) and BIDIRECTIONAL_CLASS.search(name) and raw.get("is_causal") is not False:
            warnings.append(
                f"config.json names the class {name}, which may attend in both directions; it does not say "
                "'is_causal': false. Add that field if the model's card says so."
            )
    return (*fields.warnings, *warnings)
