"""Words that mean something to a tool that the workflow hands them to, and strategies that make more of them."""

from hypothesis import strategies as st

# One line each of what a tool would read as a command, a formula, a pattern or a keyword.
WORDS = (
    "$5_to_$9", r"$\frac{1}{0}$", "all", "true", "predicted", "none", "NA", "nan", "01", "1_1", "True", "_hidden",
    "=1+1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "'=1", "-5", "beats{3}", "{wildcards.x}", "{{7*7}}", "{% raw %}",
    "<script>document.title='ran'</script>", "<img src=x onerror=\"document.title='ran'\">", "&amp;", "]]>", "--><b>",
    ".. raw:: html", "`x <javascript:alert(1)>`_", "|sub|", "**bold**", "link_", "[x](javascript:alert(1))", "# head",
    "a+b", "~", "a[1]", "q?", "x=1&y=2", "a,b", "../up", "a//b", "a\nb", "a\rb", "bell\x07", "nul\x00", "esc\x1b[31m",
    "正常心跳", "異常な拍", "부정맥", "ضربات القلب", "हृदय क्षिप्र", "e\u0301a", "zero\u200bwidth", "😀", "\u202eright to left",
    "long " * 60,
)  # fmt: skip

words = st.one_of(
    st.sampled_from(WORDS),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
    st.text("=+-@$_{}[]()<>&'\"`|*#~\\/.:;,!?% \n\tab1", min_size=1, max_size=20),
)
