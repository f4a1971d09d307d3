"""The page language of the hotspot servlet, on plain text and variables."""

from hypothesis import given
from hypothesis import strategies as st

from routeros.simulator.templates import octal, render


def body(page: str, **variables: str) -> str:
    return render(page, {name.replace("_", "-"): value for name, value in variables.items()}).body


def test_a_variable_is_filled_in_without_html_escaping():
    assert body("<b>$(username)</b>", username="<i>john</i>") == "<b><i>john</i></b>"


def test_an_unknown_variable_is_empty_and_names_are_case_sensitive():
    assert body("[$(nothing)][$(Username)][$(username)]", username="john") == "[][][john]"


def test_the_esc_suffix_encodes_for_a_url_as_in_the_manual():
    assert body("$(username-esc)", username="123&456=1 2") == "123%26456%3D1+2"


def test_a_value_is_not_read_as_a_template_again():
    assert body("$(username)", username="$(mac)", mac="02:00:00:00:00:01") == "$(mac)"


MANUAL = """$(if username == john)
Hey, your username is john
$(elif username == dizzy)
Hello, Dizzy!
$(elif ip == 10.1.2.3)
that old computer
$(else)
I don't know who you are
$(endif)"""


def test_only_the_first_fitting_branch_is_shown():
    assert body(MANUAL, username="john", ip="10.1.2.3").strip() == "Hey, your username is john"
    assert body(MANUAL, username="dizzy", ip="10.1.2.3").strip() == "Hello, Dizzy!"
    assert body(MANUAL, username="anna", ip="10.1.2.3").strip() == "that old computer"
    assert body(MANUAL, username="anna", ip="10.1.2.4").strip() == "I don't know who you are"


def test_a_bare_condition_means_not_empty():
    assert body("$(if error)E:$(error)$(endif).", error="wrong") == "E:wrong."
    assert body("$(if error)E:$(error)$(endif).", error="") == "."


def test_quotes_around_the_compared_value_do_not_count():
    page = """$(if popup == 'true')a$(endif)$(if popup == "true")b$(endif)$(if popup != 'true')c$(endif)"""
    assert body(page, popup="true") == "ab"
    assert body(page, popup="false") == "c"


def test_a_quoted_value_may_hold_parentheses():
    page = '$(if user-agent == "Mozilla/5.0 (Android; Mobile)" )Success$(else)log in$(endif)'
    assert body(page, user_agent="Mozilla/5.0 (Android; Mobile)") == "Success"
    assert body(page, user_agent="curl") == "log in"


def test_conditions_nest_and_a_hidden_outer_one_hides_everything():
    page = "$(if a == 1)[$(if b == 2)two$(else)other$(endif)]$(else)none$(endif)"
    assert body(page, a="1", b="2") == "[two]"
    assert body(page, a="1", b="3") == "[other]"
    assert body(page, a="0", b="2") == "none"


def test_http_status_and_header_are_set_not_tested():
    rendered = render(
        '$(if http-status == 302)Hotspot login required$(endif)$(if http-header == "Location")$(link)$(endif)<html>',
        {"link": "http://login.hotspot/login"},
    )
    assert (rendered.status, rendered.reason) == (302, "Hotspot login required")
    assert rendered.headers == {"Location": "http://login.hotspot/login"}
    assert rendered.body == "<html>"


def test_setters_work_inside_a_shown_branch_only():
    page = (
        "$(if logged-in == 'yes')$(if http-status == 302)on$(endif)$(else)$(if http-status == 403)off$(endif)$(endif)"
    )
    assert render(page, {"logged-in": "yes"}).status == 302
    assert render(page, {"logged-in": "no"}).status == 403


def test_a_condition_inside_a_setter_chooses_the_header_value():
    page = '$(if http-header == "X")$(if a)full$(else)empty$(endif)$(endif)'
    assert render(page, {"a": "1"}).headers == {"X": "full"}
    assert render(page, {}).headers == {"X": "empty"}


def test_the_last_header_of_a_name_wins_whatever_its_spelling():
    page = '$(if http-header == "x-a")1$(endif)$(if http-header == "X-A")2$(endif)'
    assert render(page, {}).headers == {"X-A": "2"}


def test_a_line_break_in_a_variable_makes_no_second_header():
    rendered = render('$(if http-header == "Location")$(dst)$(endif)', {"dst": "http://a/\r\nSet-Cookie: x=1"})
    assert rendered.headers == {"Location": "http://a/ Set-Cookie: x=1"}


def test_a_status_that_is_none_is_ignored():
    assert render("$(if http-status == 99)x$(endif)$(if http-status == abc)y$(endif)", {}).status == 200


def test_scripts_that_look_like_tags_stay_as_they_are():
    assert body("$('#form').submit(); costs $5 (five)") == "$('#form').submit(); costs $5 (five)"


def test_an_open_condition_ends_with_the_page_and_a_stray_end_vanishes():
    assert body("a$(endif)b$(else)c$(if x)d") == "abc"
    assert render("$(if http-status == 302)moved", {}).reason == "moved"


def test_chap_values_are_written_as_three_octal_digits_each():
    assert octal(bytes([0o371])) == "\\371"
    assert octal(b"[\x00\xff") == "\\133\\000\\377"


@given(st.text(alphabet="$()if elseendifhttp-statusheader='\"\n 302xa", max_size=120))
def test_no_page_makes_the_engine_fail(page: str):
    rendered = render(page, {"a": "1", "x": ""})
    assert 200 <= rendered.status < 1000
    assert all("\n" not in value for value in rendered.headers.values())
