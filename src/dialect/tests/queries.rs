use super::{ENTERPRISE_URN, check_query};

#[test]
fn ok_01_match_by_user_name_is_left_alone() {
    check_query("Users", "userName", ("filter", "userName eq \"a@b.c\""), "userName eq \"a@b.c\"", &[]);
}

#[test]
fn ok_02_user_name_with_an_email_also_means_the_email() {
    let both = "userName eq \"jane@x\" or emails.value eq \"jane@x\"";
    check_query("Users", "emails.value", ("filter", "userName eq \"jane@x\""), both, &["OK-02"]);
    check_query("Users", "emails.value", ("filter", "userName eq \"jane\""), "userName eq \"jane\"", &[]);
    let by_email = "emails.value eq \"jane@x\"";
    check_query("Users", "emails.value", ("filter", "email eq \"jane@x\""), by_email, &["OK-02"]);
    check_query("Users", "userName", ("filter", "emails eq \"jane@x\""), by_email, &["OK-02"]);
    check_query("Users", "emails.value", ("filter", by_email), by_email, &[]);
    check_query(
        "Users",
        "emails.value",
        ("filter", "active eq true and userName eq \"jane@x\""),
        &format!("active eq true and ({both})"),
        &["OK-02"],
    );
}

#[test]
fn en_37_an_operand_without_quotes_is_counted() {
    check_query("Users", "userName", ("filter", "externalId eq jyoung"), "externalId eq jyoung", &["EN-37"]);
    for quoted in ["externalId eq \"a eq b\"", "active eq true", "title pr", "userName eq \"x\" and not (title pr)"] {
        check_query("Users", "userName", ("filter", quoted), quoted, &[]);
    }
}

#[test]
fn en_38_a_comparison_after_brackets_is_counted() {
    let filter = "emails[type eq \"work\"].value eq \"a@b.c\"";
    check_query("Users", "userName", ("filter", filter), filter, &["EN-38"]);
}

#[test]
fn en_39_a_reference_is_compared_by_its_value() {
    let filter = "id eq \"g\" and members eq \"u\"";
    check_query("Groups", "userName", ("filter", filter), "id eq \"g\" and members.value eq \"u\"", &["EN-39"]);
    let manager = format!("{ENTERPRISE_URN}:manager.value eq \"b7\"");
    check_query("Users", "userName", ("filter", "manager eq \"b7\""), &manager, &["EN-39"]);
}

#[test]
fn en_43_odd_start_indexes_are_counted() {
    check_query("Users", "userName", ("startindex", "0"), "0", &["EN-43"]);
    check_query("Users", "userName", ("startIndex", "-5"), "-5", &["EN-43"]);
    check_query("Users", "userName", ("startIndex", "1"), "1", &[]);
}

#[test]
fn en_44_a_filter_in_a_list_of_attributes_is_taken_out() {
    let list = "userName,emails[type eq \"wo]rk,\"].value,title";
    check_query("Users", "userName", ("attributes", list), "userName,emails.value,title", &["EN-44"]);
    check_query("Users", "userName", ("attributes", "emails[type eq \"work\"]"), "emails", &["EN-44"]);
}

#[test]
fn en_67_en_68_operands_without_quotes_are_counted() {
    let filter = "name.FamilyName eq Employee and (emails.Value co example.com or emails.Value co example.org)";
    check_query("Users", "userName", ("filter", filter), filter, &["EN-37"]);
    let filter = "meta.Created gt 2015-10-10T14:38:21.8617979-07:00";
    check_query("Users", "userName", ("filter", filter), filter, &["EN-68"]);
}
