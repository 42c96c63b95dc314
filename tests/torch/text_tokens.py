"""Token ids and rendered chats from the reference tokenizers. Run by text_golden.py."""

import json

from jinja2.sandbox import ImmutableSandboxedEnvironment

import text_vocabulary

TEXTS = (
    "",
    "Hello, world!",
    " leading and trailing space ",
    "The kiln's hot; they're waiting, we've waited, I'll wait. IT'S HOT, THEY'RE HOT.",
    "don’t “quote” — dash… ellipsis",
    "In 2024, 12345678901 pots at 3.14159 each, 1,000,000 tiles; 0x1F and 1e-9",
    "١٢٣ ४५६ Ⅷ ½ ² １２３",
    "abc123def 4x4 2nd",
    "窑里的火很热，窑里的泥很硬。陶工在窑边等着天亮。",
    "今天是2024年11月22日，气温25℃。",
    "日本語のテキスト、カタカナ、한국어 문장입니다.",
    "𠮷野家 𝒳𝓎 𐍈",
    "🔥🔥 hot 🙂",
    "👩‍👩‍👧‍👦 👨🏽‍🚀 🏳️‍🌈 🇩🇪🇨🇳 1️⃣",
    "fn main() {\n    let x: Vec<u8> = vec![0; 16];\n\tprintln!(\"{:?}\", x); // done\n}\n",
    "def f(a, *b, **c):\n    return {k: v for k, v in c.items() if v != None}\n\n\n# end",
    "<div class=\"a\">&nbsp;&lt;/div&gt;</div><!-- x -->",
    "SELECT * FROM t WHERE a<=>b AND c||'%' LIKE '_x\\_';",
    "\\frac{a}{b} \\alpha_{i}^{2} $x$",
    "   three spaces   then    four\t\ttabs \t mixed",
    "line\nline\n\nline\n\n\n  line  \n",
    "dos\r\nline\r\n\r\nold mac\rline\n\r",
    "\n",
    " ",
    "        ",
    "\t",
    "a\u00a0b\u2003c\u3000d\u200be\ufefff\u2028g\u0085h",
    "".join(map(chr, range(32))),
    "\x7f\x80\x9f bell\x07 null\x00 esc\x1b[31mred\x1b[0m",
    "cafe\u0301 café nai\u0308ve a\u0300\u0301\u0302\u0303 Z\u0351\u036b\u0343a\u0329l\u030dgo",
    "ﬁ ﬂ Å Å ẛ̣ ½ ǆ ß ẞ İ ı",
    "שלום עולם مرحبا بالعالم \u202eover\u202c",
    "हिन्दी में पाठ ภาษาไทย ਪੰਜਾਬੀ தமிழ்",
    "<|im_start|>user\nhi<|im_end|>\n",
    "<|endoftext|>",
    "a<|endoftext|>b <|im_end|> c",
    "<|im_start|><|im_start|>  <|im_end|>",
    "<|im_start <|im_end|x> <|IM_END|> < |im_end|> <|unknown|> [PAD320]",
    "<think>the pot\nis hot</think> a<think>b",
    "<repo_name>kiln<file_sep>src/lib.rs<jupyter_code>",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "Pneumonoultramicroscopicsilicovolcanoconiosis antidisestablishmentarianism",
    "!!!???...,,,;;;:::---___***===~~~```'''\"\"\"",
    "https://example.org/a/b?c=d&e=%20#f user@example.org",
    "\ud7ff\ue000\ufffd\U0010ffff",
)
CHATS = (
    [{"role": "user", "content": "Why is the sky blue?"}],
    [{"role": "system", "content": "You are a potter."}, {"role": "user", "content": "How hot is a kiln?"}],
    [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello! How can I help?"},
        {"role": "user", "content": "  Write a haiku\nabout clay.  "},
    ],
    [
        {"role": "system", "content": ""},
        {"role": "user", "content": "窑有多热？🔥"},
        {"role": "assistant", "content": "一千三百度。"},
        {"role": "user", "content": "谢谢"},
        {"role": "assistant", "content": "不客气"},
    ],
    [{"role": "user", "content": "Say <|im_end|> and {{ messages }} and {% raw %} & <b>'\"</b>"}],
    [{"role": "user", "content": ""}],
)
# Templates of our own, each with constructs that templates on the hub use.
TEMPLATES = {
    "strip, slice, raise": (
        "{%- if messages[0]['role'] == 'system' -%}\n"
        "    {%- set system = messages[0]['content'].strip() -%}\n"
        "    {%- set messages = messages[1:] -%}\n"
        "{%- else -%}\n"
        "    {%- set system = '' -%}\n"
        "{%- endif -%}\n"
        "{{- bos_token }}\n"
        "{%- for message in messages %}\n"
        "    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}\n"
        "        {{- raise_exception('roles must take turns') }}\n"
        "    {%- endif %}\n"
        "    {%- if message.role == 'user' %}\n"
        "        {%- set before = system + '\\n\\n' if loop.first and system else '' %}\n"
        "        {{- '[INST] ' + before + message.content.strip() + ' [/INST]' }}\n"
        "    {%- else %}\n"
        "        {{- ' ' ~ message.content | trim ~ eos_token }}\n"
        "    {%- endif %}\n"
        "{%- endfor %}\n"
    ),
    "namespace, defined, tojson": (
        "{% set ns = namespace(count=0, system='none') %}\n"
        "{% for m in messages if m.role == 'system' %}\n"
        "{% set ns.system = m.content | default('none', true) %}\n"
        "{% endfor %}\n"
        "{% if tools is defined and tools is not none %}{{ tools | tojson }}{% endif %}\n"
        "<<{{ ns.system | upper }}>>\n"
        "{% for m in messages %}\n"
        "    {% if m.role not in ['system', 'tool'] %}\n"
        "    {% set ns.count = ns.count + 1 %}\n"
        "{{ ns.count }}/{{ loop.length }} {{ m.role | capitalize }}: {{ m.content | tojson }}\n"
        "    {% endif %}\n"
        "{% endfor %}\n"
        "{% if add_generation_prompt is defined and add_generation_prompt %}\n"
        "{{ 'assistant:' }}\n"
        "{% endif %}\n"
    ),
    "methods": (
        "{% for m in messages %}"
        "{{ '<' ~ m['role'].upper() ~ '>' }}"
        "{% if m['content'].startswith('Hi') or 'haiku' in m.content.lower() %}{{ '*' }}{% endif %}"
        "{% for part in m.content.split('\n') %}{{ part.lstrip().rstrip() }}{{ '|' if not loop.last }}{% endfor %}"
        "{{ m.content | length }}{{ m.get('name', '-') }}"
        "{% endfor %}"
        "{{ '<ASSISTANT>' if add_generation_prompt else eos_token }}"
    ),
}


def refuse(message):
    raise ValueError(message)


def render(template, messages, prompt, bos, eos):
    """As transformers renders: the same sandbox, the same whitespace rules, the same extra function and filter."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = refuse
    environment.filters["tojson"] = lambda x: json.dumps(x, ensure_ascii=False)
    values = {"messages": messages, "add_generation_prompt": prompt, "bos_token": bos, "eos_token": eos}
    return environment.from_string(template).render(**values)


def dump(path, rows):
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


def tokens(folder, model):
    vocabularies = {"smollm2": text_vocabulary.smollm2(model)}
    vocabularies |= {f"tiny-{pre}": text_vocabulary.tiny(pre) for pre in ("smollm", "gpt-2", "qwen2", "llama-bpe")}
    rows = [
        {"tokenizer": name, "text": text, "ids": vocabulary.fast.encode(text)}
        for name, vocabulary in vocabularies.items()
        for text in TEXTS
    ]
    dump(folder / "tokens.json", rows)

    chats = []
    for name in ("smollm2", "tiny-smollm"):
        fast = vocabularies[name].fast
        for messages in CHATS:
            prompt = messages[-1]["role"] == "user"
            text = fast.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt)
            assert text == render(fast.chat_template, messages, prompt, fast.bos_token, fast.eos_token)
            ids = fast.encode(text, add_special_tokens=False)
            row = {"tokenizer": name, "messages": messages, "add_generation_prompt": prompt, "text": text, "ids": ids}
            chats.append(row)
    dump(folder / "chat.json", chats)

    rendered = []
    for name, template in TEMPLATES.items():
        for messages in CHATS:
            row = {"name": name, "template": template, "messages": messages, "add_generation_prompt": True}
            row |= {"bos_token": "<s>", "eos_token": "</s>"}
            row["text"] = render(template, messages, True, "<s>", "</s>")
            rendered.append(row)
    turns = [{"role": "assistant", "content": "first"}]
    row = {"name": "refusal", "template": TEMPLATES["strip, slice, raise"], "messages": turns}
    rendered.append(row | {"add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>", "text": None})
    dump(folder / "templates.json", rendered)
